package disk

import (
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// smallFS is a file system in memory on a disk that may be full.
type smallFS struct {
	vfs.FS
	disk *fakeDisk
}

func (s smallFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.Create(name, c)
	return smallFile{f, s.disk}, err
}

func (s smallFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.ReuseForWrite(from, to, c)
	return smallFile{f, s.disk}, err
}

type smallFile struct {
	vfs.File
	disk *fakeDisk
}

func (f smallFile) Write(p []byte) (int, error) {
	if f.disk.Load() == 0 {
		return 0, &fsError{syscall.ENOSPC}
	}
	return f.File.Write(p)
}

type fsError struct{ error }

func (e *fsError) Unwrap() error { return e.error }

// fatal makes what would end the process fail the test.
type fatal struct{ t *testing.T }

func (fatal) Infof(string, ...any)             {}
func (fatal) Errorf(string, ...any)            {}
func (f fatal) Fatalf(format string, a ...any) { f.t.Errorf(format, a...) }

// TestDatabaseOnAFullDisk: pebble ends the process when its log finds no space,
// unless it is made to wait. What was written before can be read meanwhile.
func TestDatabaseOnAFullDisk(t *testing.T) {
	d := &fakeDisk{}
	d.Store(1 << 40)
	w := NewWatchOf("db", d.free)
	db, err := pebble.Open("db", &pebble.Options{FS: w.over(smallFS{vfs.NewMem(), d}), MemTableSize: 64 << 10, Logger: fatal{t}})
	require.NoError(t, err)
	require.NoError(t, db.Set([]byte("before"), []byte("1"), pebble.Sync))

	d.Store(0)
	written := make(chan error, 1)
	go func() {
		var err error
		for i := range 100 { // more than a table, so that it is flushed, too
			if err == nil {
				err = db.Set(fmt.Append(nil, i), make([]byte, 4<<10), pebble.Sync)
			}
		}
		written <- err
	}()
	require.Eventually(t, func() bool { return w.isWaiting() }, time.Minute, time.Millisecond)
	time.Sleep(remembered) // what Room remembers is from before
	require.Error(t, w.Room())
	value, closer, err := db.Get([]byte("before"))
	require.NoError(t, err)
	require.Equal(t, "1", string(value))
	require.NoError(t, closer.Close())
	require.Empty(t, written)

	d.Store(1 << 40)
	require.NoError(t, <-written)
	require.NoError(t, db.Close())
}

func TestWait(t *testing.T) {
	for name, tt := range map[string]struct {
		left uint64
		want time.Duration
	}{
		"space comes":      {wanted, 10 * time.Second},
		"too little comes": {wanted - 1, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &fakeDisk{}
				w := NewWatchOf("db", d.free)
				go func() {
					time.Sleep(10*time.Second - time.Millisecond)
					d.Store(tt.left)
					time.Sleep(10 * time.Second)
					d.Store(wanted)
				}()
				start := time.Now()
				w.wait()
				require.InDelta(t, tt.want, time.Since(start), float64(waitPause))
				require.False(t, w.isWaiting())
				time.Sleep(time.Minute) // the helper ends
			})
		})
	}
}

// A database that does not open because its disk is full is an error, not a wait.
func TestOpenOnAFullDisk(t *testing.T) {
	d := &fakeDisk{}
	w := NewWatchOf("db", d.free)
	files := w.over(smallFS{vfs.NewMem(), d})
	open := func() (*pebble.DB, error) { return pebble.Open("db", &pebble.Options{FS: files, Logger: fatal{t}}) }
	late := make(chan *pebble.DB, 1)
	_, err := Open(w, func() (*pebble.DB, error) {
		db, err := open()
		late <- db
		return db, err
	})
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, "free some space")

	d.Store(1 << 40)
	require.NoError(t, (<-late).Close())
	db, err := Open(NewWatchOf("db", d.free), open)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func (w *Watch) isWaiting() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waiting
}

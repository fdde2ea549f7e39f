package disk

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// narrowFS is a file system of a process that may have no descriptor left.
type narrowFS struct {
	vfs.FS
	none    *atomic.Bool
	refused *atomic.Int32
}

func (n narrowFS) check() error {
	if n.none.Load() {
		n.refused.Add(1)
		return &fsError{syscall.EMFILE}
	}
	return nil
}

func (n narrowFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	return n.FS.Create(name, c)
}

func (n narrowFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	return n.FS.Open(name, opts...)
}

func (n narrowFS) OpenDir(name string) (vfs.File, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	return n.FS.OpenDir(name)
}

func (n narrowFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	return n.FS.ReuseForWrite(from, to, c)
}

func (n narrowFS) Lock(name string) (io.Closer, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	return n.FS.Lock(name)
}

func (n narrowFS) List(dir string) ([]string, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	return n.FS.List(dir)
}

// pebble ends the process when it can open no file, unless it is made to wait.
func TestDatabaseWithoutDescriptors(t *testing.T) {
	d := &fakeDisk{}
	d.Store(1 << 40)
	fs := narrowFS{vfs.NewMem(), new(atomic.Bool), new(atomic.Int32)}
	w := NewWatchOf("db", d.free)
	fs.none.Store(true)
	var db *pebble.DB
	opened := make(chan error, 1)
	go func() {
		var err error
		db, err = pebble.Open("db", &pebble.Options{FS: w.over(fs), MemTableSize: 64 << 10, Logger: fatal{t}})
		opened <- err
	}()
	require.Eventually(t, func() bool { return fs.refused.Load() > 1 }, time.Minute, time.Millisecond)
	fs.none.Store(false)
	require.NoError(t, <-opened)

	fs.none.Store(true)
	fs.refused.Store(0)
	written := make(chan error, 1)
	go func() {
		var err error
		for i := range 100 { // more than a table, so that files are made
			if err == nil {
				err = db.Set(fmt.Append(nil, i), make([]byte, 4<<10), pebble.Sync)
			}
		}
		written <- err
	}()
	require.Eventually(t, func() bool { return fs.refused.Load() > 1 }, time.Minute, time.Millisecond)
	fs.none.Store(false)
	require.NoError(t, <-written)
	value, closer, err := db.Get([]byte("99"))
	require.NoError(t, err)
	require.Len(t, value, 4<<10)
	require.NoError(t, closer.Close())
	require.NoError(t, db.Close())
}

func TestDescriptors(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE} {
		tries := 0
		require.NoError(t, Descriptors(t.Context(), func() error {
			if tries++; tries < 3 {
				return &fsError{errno}
			}
			return nil
		}))
		require.Equal(t, 3, tries)
	}
	require.ErrorIs(t, Descriptors(t.Context(), func() error { return syscall.ENOENT }), syscall.ENOENT)
	ctx, cancel := context.WithCancel(t.Context())
	err := Descriptors(ctx, func() error {
		cancel()
		return syscall.EMFILE
	})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, syscall.EMFILE)
	require.Zero(t, shortage.waiting)
}

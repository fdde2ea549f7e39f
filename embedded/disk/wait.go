package disk

import (
	"fmt"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/dustin/go-humanize"
)

const (
	// wanted is how much there must be until what waits is tried again. Nothing
	// that a database writes at once is larger.
	wanted = 4 << 20
	// waitPause is how often a full disk is looked at.
	waitPause = 250 * time.Millisecond
)

// FS returns a file system for a pebble database in the folder. What finds no
// space, or no descriptor for a file, waits for it, where pebble would end the
// process: reads go on meanwhile.
// A process that is to end then cannot close its database: what it acknowledged
// is there all the same.
func (w *Watch) FS() vfs.FS { return w.over(vfs.Default) }

func (w *Watch) over(inner vfs.FS) vfs.FS { return vfs.OnDiskFull(descriptorFS{inner}, w.wait) }

// Open opens a database with FS. When there is no space for that it returns an
// error, which wraps ENOSPC, and leaves the rest waiting: a start that waits
// would look as if it hung.
func Open[T any](w *Watch, open func() (T, error)) (db T, err error) {
	type result struct {
		db  T
		err error
	}
	opened := make(chan result, 1)
	go func() {
		db, err := open()
		opened <- result{db, err}
	}()
	select {
	case r := <-opened:
		return r.db, r.err
	case <-w.short:
		return db, fmt.Errorf("%w: %w", syscall.ENOSPC, &FullError{w.folder, w.free()})
	}
}

// wait returns when there is space.
func (w *Watch) wait() {
	w.waits.Do(func() { close(w.short) })
	w.setWaiting(true)
	defer w.setWaiting(false)
	logger.Errorf("no space is left on the disk of %s: what is to be written there waits. Free some space, the peer goes on by itself", w.folder)
	for w.free() < wanted {
		time.Sleep(waitPause)
	}
	logger.Infof("the disk of %s has %s again: what waited is written", w.folder, humanize.IBytes(w.free()))
}

func (w *Watch) setWaiting(waiting bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = waiting
}

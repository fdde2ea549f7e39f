package disk

import (
	"context"
	"errors"
	"io"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// descriptorPause is how often an open is tried again while the process has no
// descriptor for it.
const descriptorPause = 50 * time.Millisecond

// fewFiles is the limit of open files where it cannot be found out.
const fewFiles = 1024

// shortage logs the begin and the end of a time without descriptors, however
// many opens wait meanwhile.
var shortage struct {
	sync.Mutex
	waiting int
	waited  int // since it began
}

// Descriptors runs an operation that opens files until it does not fail for
// lack of a descriptor (EMFILE, ENFILE), or ctx ends. A database would end the
// process, or an answer would say that a block is damaged, for what is over when
// the next connection is closed.
func Descriptors(ctx context.Context, open func() error) error {
	err := open()
	if !lacksDescriptor(err) {
		return err
	}
	beginShortage(err)
	defer endShortage()
	for {
		select {
		case <-time.After(descriptorPause):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
		if err = open(); !lacksDescriptor(err) {
			return err
		}
	}
}

func lacksDescriptor(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

func beginShortage(err error) {
	shortage.Lock()
	defer shortage.Unlock()
	shortage.waited++
	if shortage.waiting++; shortage.waiting == 1 {
		logger.Errorf("this process has all open files that it may have: what opens another one waits. Raise the limit (ulimit -n, LimitNOFILE): %v", err)
	}
}

func endShortage() {
	shortage.Lock()
	defer shortage.Unlock()
	if shortage.waiting--; shortage.waiting == 0 {
		logger.Infof("files can be opened again; opens that waited: %d", shortage.waited)
		shortage.waited = 0
	}
}

// descriptorFS is a file system whose opens wait for a descriptor.
type descriptorFS struct{ vfs.FS }

// opened is Descriptors for a function with a result.
func opened[T any](open func() (T, error)) (result T, err error) {
	err = Descriptors(context.Background(), func() error {
		result, err = open()
		return err
	})
	return result, err
}

func (d descriptorFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return opened(func() (vfs.File, error) { return d.FS.Create(name, c) })
}

func (d descriptorFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	return opened(func() (vfs.File, error) { return d.FS.Open(name, opts...) })
}

func (d descriptorFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return opened(func() (vfs.File, error) { return d.FS.OpenReadWrite(name, c, opts...) })
}

func (d descriptorFS) OpenDir(name string) (vfs.File, error) {
	return opened(func() (vfs.File, error) { return d.FS.OpenDir(name) })
}

func (d descriptorFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return opened(func() (vfs.File, error) { return d.FS.ReuseForWrite(from, to, c) })
}

func (d descriptorFS) Lock(name string) (io.Closer, error) {
	return opened(func() (io.Closer, error) { return d.FS.Lock(name) })
}

func (d descriptorFS) List(dir string) ([]string, error) {
	return opened(func() ([]string, error) { return d.FS.List(dir) })
}

func (d descriptorFS) RemoveAll(name string) error {
	return Descriptors(context.Background(), func() error { return d.FS.RemoveAll(name) })
}

// Unwrap implements vfs.FS.
func (d descriptorFS) Unwrap() vfs.FS { return d.FS }

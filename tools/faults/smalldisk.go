package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// smallDisk is a small file system of its own, in memory, and a file that fills
// it.
type smallDisk struct{ path string }

// newSmallDisk mounts one, which takes root.
func (e *env) newSmallDisk(name string, size int) (*smallDisk, error) {
	d := &smallDisk{filepath.Join(e.dir, name)}
	if err := os.Mkdir(d.path, 0o700); err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", d.path, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		return nil, fmt.Errorf("mounting a small disk, as root: %w", err)
	}
	e.cleanupWith(func() {
		if err := syscall.Unmount(d.path, syscall.MNT_DETACH); err != nil {
			e.logf("%s: %s", d.path, err)
		}
	})
	return d, nil
}

func (d *smallDisk) filler() string { return filepath.Join(d.path, "filler") }

// fill leaves so many bytes free, as long as nobody else writes.
func (d *smallDisk) fill(left int) error {
	file, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	zeros := make([]byte, 64<<10)
	for {
		free, err := d.free()
		if err != nil {
			return err
		}
		more := min(free-left, len(zeros))
		if more <= 0 {
			return nil
		}
		if _, err := file.Write(zeros[:more]); err != nil {
			if errors.Is(err, syscall.ENOSPC) {
				return nil // the peer was faster
			}
			return err
		}
	}
}

// release frees what fill took.
func (d *smallDisk) release() error { return os.Remove(d.filler()) }

func (d *smallDisk) free() (int, error) {
	var st syscall.Statfs_t
	err := syscall.Statfs(d.path, &st)
	return int(st.Bavail) * int(st.Bsize), err
}

package rig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// SmallDisk is a small file system of its own, in memory, and a file that fills
// it.
type SmallDisk struct{ Path string }

// NewSmallDisk mounts one, which takes root.
func (e *Env) NewSmallDisk(name string, size int) (*SmallDisk, error) {
	d := &SmallDisk{filepath.Join(e.Dir, name)}
	if err := os.Mkdir(d.Path, 0o700); err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", d.Path, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		return nil, fmt.Errorf("mounting a small disk, as root: %w", err)
	}
	e.CleanupWith(func() {
		if err := syscall.Unmount(d.Path, syscall.MNT_DETACH); err != nil {
			e.Logf("%s: %s", d.Path, err)
		}
	})
	return d, nil
}

func (d *SmallDisk) filler() string { return filepath.Join(d.Path, "filler") }

// Fill leaves so many bytes free, as long as nobody else writes.
func (d *SmallDisk) Fill(left int) error {
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

// Release frees what fill took.
func (d *SmallDisk) Release() error { return os.Remove(d.filler()) }

func (d *SmallDisk) free() (int, error) {
	var st syscall.Statfs_t
	err := syscall.Statfs(d.Path, &st)
	return int(st.Bavail) * int(st.Bsize), err
}

//go:build unix

package folder

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// lockHolder returns the process that has locked a file: 0 for none, and
// another than expected for one that cannot be seen from here. Of this process
// itself, which expected may name, the system does not tell, and to close the
// file would unlock it.
func lockHolder(path string, expected int) (int, error) {
	if expected == os.Getpid() {
		return expected, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	held := syscall.Flock_t{Type: syscall.F_WRLCK}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &held); err != nil {
		return 0, err
	}
	switch {
	case held.Type == syscall.F_UNLCK:
		return 0, nil
	case held.Pid == 0: // it is in another container
		return -1, nil
	}
	return int(held.Pid), nil
}

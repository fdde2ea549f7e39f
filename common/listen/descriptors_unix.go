//go:build unix

package listen

import "syscall"

// OpenFiles returns how many files the process may have open, sockets included.
func OpenFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fewFiles
	}
	return uint64(limit.Cur)
}

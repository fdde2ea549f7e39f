//go:build linux || darwin

package embedded

import (
	"math"
	"syscall"
)

// freeSpace is the number of bytes that may still be written below dir; all
// there can be when it cannot be found out.
func freeSpace(dir string) uint64 {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return math.MaxInt64
	}
	return st.Bavail * uint64(st.Bsize)
}

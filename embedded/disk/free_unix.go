//go:build linux || darwin

package disk

import (
	"math"
	"syscall"
)

// Free is the number of bytes that may still be written below a folder; all
// there can be when it cannot be found out.
func Free(folder string) uint64 {
	var st syscall.Statfs_t
	if err := syscall.Statfs(folder, &st); err != nil {
		return math.MaxInt64
	}
	return st.Bavail * uint64(st.Bsize)
}

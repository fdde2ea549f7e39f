//go:build unix

package atomicfile

import (
	"os"
	"syscall"
)

// keepOwner gives a file to the owner of another one. Without the right to do
// so, the file stays ours.
func keepOwner(path string, like os.FileInfo) {
	if s, ok := like.Sys().(*syscall.Stat_t); ok {
		_ = os.Chown(path, int(s.Uid), int(s.Gid))
	}
}

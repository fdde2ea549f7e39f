//go:build !unix

package atomicfile

import "os"

// keepOwner does nothing: there are no owners to keep.
func keepOwner(string, os.FileInfo) {}

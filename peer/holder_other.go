//go:build !unix

package peer

import (
	"errors"
	"os"
)

// lockHolder cannot be told here, and there are no signals either.
func lockHolder(string, int) (int, error) {
	return 0, errors.ErrUnsupported
}

// keepOwner does nothing: there are no owners to keep.
func keepOwner(string, os.FileInfo) {}

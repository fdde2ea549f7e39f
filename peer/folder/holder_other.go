//go:build !unix

package folder

import (
	"errors"
)

// lockHolder cannot be told here, and there are no signals either.
func lockHolder(string, int) (int, error) {
	return 0, errors.ErrUnsupported
}

//go:build !linux && !darwin

package embedded

import "math"

// freeSpace is not known on this system.
func freeSpace(string) uint64 { return math.MaxInt64 }

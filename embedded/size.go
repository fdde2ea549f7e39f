package embedded

import (
	"fmt"

	"github.com/dustin/go-humanize"
)

// Size is a number of bytes that is written with its unit, "500GB" or
// "100GiB", or as a plain number of bytes, in a string.
type Size uint64

// String returns the number exactly.
func (s Size) String() string {
	for _, unit := range []struct {
		size Size
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if s > 0 && s%unit.size == 0 {
			return fmt.Sprintf("%d%s", s/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%d", uint64(s))
}

// MarshalText returns what String returns.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a number with or without a unit. Empty text leaves the
// size as it is.
func (s *Size) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	n, err := humanize.ParseBytes(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a size such as \"500GB\"", text)
	}
	*s = Size(n)
	return nil
}

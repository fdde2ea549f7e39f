package config

import (
	"fmt"
	"time"
)

// Duration is a time span that is written with its units, "30s" or "1h30m", in
// the file and in the environment. An empty text keeps the default.
type Duration time.Duration

// Std returns the duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String returns the duration with its units, "1m30s".
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText returns what String returns.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form of time.ParseDuration. Empty text leaves the
// duration as it is.
func (d *Duration) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as \"30s\" or \"1h30m\"", text)
	}
	*d = Duration(parsed)
	return nil
}

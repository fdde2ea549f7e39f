package config

import (
	"errors"
	"fmt"
)

// KeyError returns an error about one key of a section, for the Validate
// function of a Spec. The section puts its own name before the key, so that
// the operator reads "api.pinsvcapi.read_timeout: must not be negative". The
// message must not contain the value of a hidden key.
func KeyError(key, format string, args ...any) error {
	return &keyError{key: key, err: fmt.Errorf(format, args...)}
}

type keyError struct {
	section string
	key     string
	err     error
}

func (e *keyError) Error() string {
	name := e.key
	if e.section != "" {
		name = e.section + "." + name
	}
	return name + ": " + e.err.Error()
}

func (e *keyError) Unwrap() error { return e.err }

// within puts the section's name before an error.
func within(section string, err error) error {
	var k *keyError
	if errors.As(err, &k) {
		return &keyError{section: section, key: k.key, err: k.err}
	}
	return fmt.Errorf("%s: %w", section, err)
}

// about tells whether an error is about one of the keys.
func about(err error, keys map[string]bool) bool {
	var k *keyError
	return errors.As(err, &k) && keys[k.key]
}

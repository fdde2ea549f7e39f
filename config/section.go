package config

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// Spec describes a section of service.json whose values are the struct T. The
// exported fields of T have json tags; embedded structs are flattened as
// encoding/json does. A field with the tag `hidden:"true"` is never displayed.
type Spec[T any] struct {
	// Group is the part of the file that the section is in, "api"; it is
	// used in messages. Empty for a section at the top.
	Group string
	// Key is the name of the section in its group, "pinsvcapi".
	Key string
	// Env is what the names of its environment variables begin with,
	// "cluster_pinsvcapi". A field's variable is CLUSTER_PINSVCAPI_ and the
	// name of the Go field in upper case.
	Env string
	// Defaults returns the values of keys that are absent or null.
	Defaults func() T
	// Validate returns every mistake, each made with KeyError. It may be nil.
	Validate func(*T) []error
}

// Section is one component's part of service.json. It is safe for concurrent
// use, apart from its exported field.
type Section[T any] struct {
	// AllowUnknownKeys makes a key that nobody knows a warning instead of
	// an error. Such keys are kept when the section is saved. It is to be
	// set before anything is loaded.
	AllowUnknownKeys bool

	spec   Spec[T]
	fields []field
	save   chan struct{}

	mu      sync.Mutex
	value   T
	unknown []member
	baseDir string
}

// New returns a section that holds the defaults. It panics when two fields of T
// have the same key, which is a mistake in the program.
func New[T any](spec Spec[T]) *Section[T] {
	return &Section[T]{
		spec:   spec,
		fields: fieldsOf[T](),
		save:   make(chan struct{}, 1),
		value:  spec.Defaults(),
	}
}

// Value returns a copy of what the section holds: the defaults, until something
// was loaded without a mistake.
func (s *Section[T]) Value() T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return clone(s.value)
}

// Set replaces what the section holds. It does not validate.
func (s *Section[T]) Set(value T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value = clone(value)
}

// Name returns the section's full name in the file, "api.pinsvcapi".
func (s *Section[T]) Name() string {
	if s.spec.Group == "" {
		return s.spec.Key
	}
	return s.spec.Group + "." + s.spec.Key
}

// ConfigKey returns the section's name in its group, "pinsvcapi".
func (s *Section[T]) ConfigKey() string { return s.spec.Key }

// SetBaseDir says which folder relative paths in the section start from.
func (s *Section[T]) SetBaseDir(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.baseDir = dir
}

// BaseDir returns the folder that relative paths in the section start from, or
// nothing when it was never set.
func (s *Section[T]) BaseDir() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.baseDir
}

// Default makes the section hold the defaults. It never fails.
func (s *Section[T]) Default() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value = s.spec.Defaults()
	s.unknown = nil
	return nil
}

// Validate returns all mistakes in what the section holds, joined, each with
// the section's name and the key.
func (s *Section[T]) Validate() error {
	value := s.Value()
	return errors.Join(s.check(&value)...)
}

// check returns the mistakes that the component finds in a value.
func (s *Section[T]) check(value *T) []error {
	if s.spec.Validate == nil {
		return nil
	}
	mistakes := s.spec.Validate(value)
	for i, err := range mistakes {
		mistakes[i] = within(s.Name(), err)
	}
	return mistakes
}

// Warnings returns what was accepted although it is most likely a mistake: the
// unknown keys, when they are allowed.
func (s *Section[T]) Warnings() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var warnings []string
	for _, m := range s.unknown {
		warnings = append(warnings, s.Name()+"."+m.key+": unknown key")
	}
	return warnings
}

// SaveCh is signalled when the section is to be written to the file.
func (s *Section[T]) SaveCh() <-chan struct{} { return s.save }

// NotifySave asks for the section to be written to the file. It never blocks:
// a request that is not yet served stands for all later ones.
func (s *Section[T]) NotifySave() {
	select {
	case s.save <- struct{}{}:
	default:
	}
}

// Format prints the section's name under every verb, because its values hold
// secrets; ToDisplayJSON is for people.
func (s *Section[T]) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "configuration of "+s.Name())
}

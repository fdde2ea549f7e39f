package settings

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ValidationErrors is all that is wrong with the configuration of a folder.
type ValidationErrors struct {
	Path string // of service.json, or of the folder
	All  []error
}

// Error is one line for one mistake, and a list for several.
func (m *ValidationErrors) Error() string {
	if len(m.All) == 1 {
		return m.Path + ": " + m.All[0].Error()
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %d mistakes", m.Path, len(m.All))
	for _, err := range m.All {
		text.WriteString("\n  " + err.Error())
	}
	return text.String()
}

// Unwrap returns all mistakes.
func (m *ValidationErrors) Unwrap() []error { return m.All }

// mistakes collects what is wrong with a service.json, one list per section,
// so that an operator reads all of it at once.
type mistakes struct {
	bySection map[string][]error
}

func (m *mistakes) add(section string, errs ...error) {
	if m.bySection == nil {
		m.bySection = make(map[string][]error)
	}
	for _, err := range errs {
		m.bySection[section] = append(m.bySection[section], split(err)...)
	}
}

// split takes joined errors Split.
func split(err error) []error {
	if err == nil {
		return nil
	}
	if joined, is := err.(interface{ Unwrap() []error }); is {
		return joined.Unwrap()
	}
	return []error{err}
}

// list returns all mistakes in the order of their sections' names.
func (m *mistakes) list() []error {
	var all []error
	for _, section := range slices.Sorted(maps.Keys(m.bySection)) {
		all = append(all, m.bySection[section]...)
	}
	return all
}

// err joins all mistakes, and is nil without any.
func (m *mistakes) err() error { return errors.Join(m.list()...) }

// Invalid returns errors, of which some may be joined, as *ValidationErrors of a
// path, and nil when there are none.
func Invalid(path string, errs ...error) error {
	var all []error
	for _, err := range errs {
		all = append(all, split(err)...)
	}
	if len(all) == 0 {
		return nil
	}
	return &ValidationErrors{path, all}
}

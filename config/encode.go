package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// ToJSON returns the section as it is written to the file, indented, with the
// unknown keys that were loaded. It contains the secrets.
func (s *Section[T]) ToJSON() ([]byte, error) {
	return s.encode(false)
}

// ToDisplayJSON returns the section for people: with every key, and Hidden in
// the place of secrets and of values that nobody knows.
func (s *Section[T]) ToDisplayJSON() ([]byte, error) {
	return s.encode(true)
}

func (s *Section[T]) encode(display bool) ([]byte, error) {
	value := s.Value()
	var members []member
	for _, f := range s.fields {
		target := f.in(&value)
		if f.omitempty && !display && (target.IsZero() || isEmptyList(target)) {
			continue
		}
		var content any = target.Interface()
		if display && f.hidden {
			content = Hidden
		}
		raw, err := json.Marshal(content)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", s.Name(), f.key, err)
		}
		members = append(members, member{f.key, raw})
	}
	for _, m := range s.unknownMembers() {
		if display {
			m.raw, _ = json.Marshal(Hidden)
		}
		members = append(members, m)
	}
	return object(members)
}

func (s *Section[T]) unknownMembers() []member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unknown
}

// object writes an indented JSON object with its keys in the given order.
func object(members []member) ([]byte, error) {
	var text, indented bytes.Buffer
	text.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			text.WriteByte(',')
		}
		key, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		text.Write(key)
		text.WriteByte(':')
		text.Write(m.raw)
	}
	text.WriteByte('}')
	if err := json.Indent(&indented, text.Bytes(), "", "  "); err != nil {
		return nil, err
	}
	return indented.Bytes(), nil
}

func isEmptyList(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return false
}

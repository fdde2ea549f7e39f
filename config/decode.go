package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// member is one key of a JSON object with its undecoded value.
type member struct {
	key string
	raw json.RawMessage
}

// LoadJSON decodes a section strictly over the defaults and validates it. A key
// that is absent or null has its default. The error joins all mistakes, each
// with the section's name and the key: values of a wrong type or form, unknown
// keys (unless AllowUnknownKeys), keys given twice, and what Validate finds.
// With an error the section keeps what it held.
func (s *Section[T]) LoadJSON(raw []byte) error {
	members, err := membersOf(raw)
	if err != nil {
		return within(s.Name(), err)
	}
	value := s.spec.Defaults()
	unknown, mistakes := s.decode(&value, members)
	wrong := make(map[string]bool)
	for _, err := range mistakes {
		var k *keyError
		if errors.As(err, &k) {
			wrong[k.key] = true
		}
	}
	for _, err := range s.check(&value) {
		if !about(err, wrong) { // a key that cannot be read is reported once
			mistakes = append(mistakes, err)
		}
	}
	if len(mistakes) > 0 {
		return errors.Join(mistakes...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value, s.unknown = value, unknown
	return nil
}

// decode puts the members into the value and returns those that nobody knows
// and all mistakes.
func (s *Section[T]) decode(value *T, members []member) (unknown []member, mistakes []error) {
	mistake := func(key string, err error) {
		mistakes = append(mistakes, &keyError{section: s.Name(), key: key, err: err})
	}
	byKey := make(map[string]field, len(s.fields))
	for _, f := range s.fields {
		byKey[f.key] = f
	}
	seen := make(map[string]bool, len(members))
	for _, m := range members {
		f, known := byKey[m.key]
		switch {
		case seen[m.key]:
			mistake(m.key, errors.New("given twice"))
		case known:
			if err := f.decode(value, m.raw); err != nil {
				mistake(m.key, err)
			}
		case s.AllowUnknownKeys:
			unknown = append(unknown, m)
		default:
			mistake(m.key, s.unknownKey(m.key))
		}
		seen[m.key] = true
	}
	return unknown, mistakes
}

func (s *Section[T]) unknownKey(key string) error {
	names := make([]string, 0, len(s.fields))
	for _, f := range s.fields {
		names = append(names, f.key)
	}
	if name := nearest(key, names); name != "" {
		return fmt.Errorf("unknown key, did you mean %q?", name)
	}
	return errors.New("unknown key: remove it")
}

// decode puts a JSON value into the field of a struct. The field changes only
// when all of it is right.
func (f field) decode(value any, raw json.RawMessage) error {
	if string(raw) == "null" {
		return nil
	}
	target := f.in(value)
	fresh := reflect.New(f.Type)
	if isText(fresh) {
		fresh.Elem().Set(target) // an empty text keeps the default
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(fresh.Interface()); err != nil {
		return f.explain(err)
	}
	target.Set(fresh.Elem())
	return nil
}

// explain says what is wrong with a value without the words of package json,
// and without the value of a hidden key.
func (f field) explain(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) || f.hidden {
		return fmt.Errorf("must be %s", Describe(f.Type))
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

// membersOf splits a JSON object, in its order.
func membersOf(raw []byte) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	token, err := decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	if token != json.Delim('{') {
		return nil, errors.New("must be an object")
	}
	var members []member
	for decoder.More() {
		var m member
		token, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("not valid JSON: %w", err)
		}
		m.key, _ = token.(string)
		if err := decoder.Decode(&m.raw); err != nil {
			return nil, fmt.Errorf("not valid JSON: %w", err)
		}
		members = append(members, m)
	}
	if _, err := decoder.Token(); err != nil { // the closing brace
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not valid JSON: something follows the object")
	}
	return members, nil
}

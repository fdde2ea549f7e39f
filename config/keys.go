package config

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Key is one key of a section, for documentation of the configuration.
type Key struct {
	Name    string          // in the file: "read_timeout"
	Env     string          // its environment variable: "CLUSTER_PINSVCAPI_READTIMEOUT"
	Default json.RawMessage // what it has when it is absent
	Type    reflect.Type    // of its value
	Owner   reflect.Type    // the struct that declares it, with its comment
	Field   string          // its Go name in there
}

// Keys returns all keys of the section, in the order of the struct's fields.
func (s *Section[T]) Keys() ([]Key, error) {
	defaults := s.spec.Defaults()
	keys := make([]Key, 0, len(s.fields))
	for _, f := range s.fields {
		raw, err := json.Marshal(f.in(&defaults).Interface())
		if err != nil {
			return nil, err
		}
		owner := reflect.TypeFor[T]()
		for _, i := range f.Index[:len(f.Index)-1] {
			owner = owner.Field(i).Type
		}
		keys = append(keys, Key{
			Name:    f.key,
			Env:     strings.ToUpper(s.spec.Env + "_" + f.StructField.Name),
			Default: raw,
			Type:    f.Type,
			Owner:   owner,
			Field:   f.StructField.Name,
		})
	}
	return keys, nil
}

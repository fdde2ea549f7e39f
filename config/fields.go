package config

import (
	"fmt"
	"reflect"
	"strings"
)

// field is one key of a section: a field of its struct, or of one embedded in
// it.
type field struct {
	reflect.StructField
	key       string
	omitempty bool
	hidden    bool
}

// fieldsOf returns the keys of a section in the order of the struct's fields.
func fieldsOf[T any]() []field {
	var fields []field
	seen := make(map[string]bool)
	for _, sf := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		tag := sf.Tag.Get("json")
		if !sf.IsExported() || tag == "-" || isEmbedded(sf) {
			continue
		}
		key, options, _ := strings.Cut(tag, ",")
		if key == "" {
			key = sf.Name
		}
		if seen[key] {
			panic(fmt.Sprintf("config: two fields have the key %q", key))
		}
		seen[key] = true
		fields = append(fields, field{
			StructField: sf,
			key:         key,
			omitempty:   strings.Contains(options, "omitempty"),
			hidden:      sf.Tag.Get("hidden") == "true",
		})
	}
	return fields
}

// isEmbedded tells whether a field is a struct whose own fields take its place.
func isEmbedded(sf reflect.StructField) bool {
	return sf.Anonymous && sf.Type.Kind() == reflect.Struct && sf.Tag.Get("json") == ""
}

// in returns the field of a struct that can be set.
func (f field) in(value any) reflect.Value {
	return reflect.ValueOf(value).Elem().FieldByIndex(f.Index)
}

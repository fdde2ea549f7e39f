package config

import (
	"encoding"
	"reflect"
)

// isText tells whether values of the type that v points to read themselves
// from text.
func isText(v reflect.Value) bool {
	_, ok := v.Interface().(encoding.TextUnmarshaler)
	return ok
}

// Describe says what JSON value a type is read from, for a message: "a whole
// number", "a list, each element a string".
func Describe(t reflect.Type) string {
	if isText(reflect.New(t)) {
		return "a string"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number, not negative"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list, each element " + Describe(t.Elem())
	case reflect.Map:
		return "an object, each value " + Describe(t.Elem())
	case reflect.Pointer:
		return Describe(t.Elem())
	}
	return "an object"
}

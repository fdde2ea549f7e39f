// Package hidden reaches fields of the library's types that are not exported, where the
// library has no other way. The versions of go.mod are exact, and tests fail when a field
// has moved.
package hidden

import (
	"fmt"
	"reflect"
)

// Field returns a pointer to the field of a struct that is reached from the pointer of by
// following fields of these names, each but the last a pointer to a struct. It returns an error
// when there is no such field or its type is not T.
func Field[T any](of any, names ...string) (*T, error) {
	field := reflect.ValueOf(of)
	for _, name := range names {
		if field.Kind() != reflect.Pointer || field.IsNil() || field.Elem().Kind() != reflect.Struct {
			return nil, fmt.Errorf("%T: nothing has the field %s", of, name)
		}
		if field = field.Elem().FieldByName(name); !field.IsValid() {
			return nil, fmt.Errorf("%T has no field %v", of, names)
		}
	}
	if field.Type() != reflect.TypeFor[T]() {
		return nil, fmt.Errorf("the field %v of %T is a %s", names, of, field.Type())
	}
	return (*T)(field.Addr().UnsafePointer()), nil
}

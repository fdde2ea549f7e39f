package config

import "reflect"

// clone returns a copy that shares no slice, map or pointer with the original,
// as far as they are reachable through exported fields.
func clone[T any](value T) T {
	return cloneOf(reflect.ValueOf(&value).Elem()).Interface().(T)
}

func cloneOf(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				c.Field(i).Set(cloneOf(v.Field(i)))
			}
		}
	case reflect.Slice:
		if !v.IsNil() {
			c.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				c.Index(i).Set(cloneOf(v.Index(i)))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			c.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
			for key, element := range v.Seq2() {
				c.SetMapIndex(key, cloneOf(element))
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			c.Set(reflect.New(v.Type().Elem()))
			c.Elem().Set(cloneOf(v.Elem()))
		}
	}
	return c
}

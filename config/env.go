package config

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/kelseyhightower/envconfig"
)

// ApplyEnvVars replaces values by those of the environment and validates the
// result. The error joins all mistakes, each with the section's name, the key
// and the variable, and the section then keeps what it held.
func (s *Section[T]) ApplyEnvVars() error {
	value := s.Value()
	var mistakes []error
	for _, f := range s.fields {
		if err := f.applyEnv(&value, s.spec.Env); err != nil {
			mistakes = append(mistakes, &keyError{section: s.Name(), key: f.key, err: err})
		}
	}
	if len(mistakes) == 0 {
		mistakes = s.check(&value)
	}
	if len(mistakes) > 0 {
		return errors.Join(mistakes...)
	}
	s.Set(value)
	return nil
}

// applyEnv sets one field from its variable, if there is one. The field is
// processed alone because envconfig stops at the first mistake.
func (f field) applyEnv(value any, prefix string) error {
	alone := f.StructField
	alone.Offset, alone.Index, alone.Anonymous = 0, nil, false
	holder := reflect.New(reflect.StructOf([]reflect.StructField{alone}))
	target := f.in(value)
	holder.Elem().Field(0).Set(target)
	err := envconfig.Process(prefix, holder.Interface())
	var wrong *envconfig.ParseError
	switch {
	case err == nil:
		target.Set(holder.Elem().Field(0))
		return nil
	case errors.As(err, &wrong): // its own text has the value, which may be a password
		return fmt.Errorf("environment variable %s: %w", wrong.KeyName, f.explainEnv(wrong.Err))
	}
	return err
}

func (f field) explainEnv(err error) error {
	if f.hidden && !isDecoder(f.Type) {
		return errors.New("not valid")
	}
	return err
}

// isDecoder tells whether a type reads itself from the environment, with errors
// of its own that are fit to be shown.
func isDecoder(t reflect.Type) bool {
	_, ok := reflect.New(t).Interface().(envconfig.Decoder)
	return ok
}

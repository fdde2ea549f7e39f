package settings

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// blameEnvironment finds the variables that are wrong: each is tried alone over
// the defaults, as the file would have it, because the library stops at the
// first mistake and does not always say which it was.
func (c *checked) blameEnvironment(err error) []error {
	if c.fresh == nil { // names its variables itself
		return []error{err}
	}
	section := c.fresh()
	if section.Default() != nil {
		return []error{c.named(err)}
	}
	var found []error
	var shown, defaults map[string]any
	text, displayed := section.ToDisplayJSON() // has all keys
	if displayed == nil && json.Unmarshal(text, &shown) == nil && c.decodeDefaults(&defaults) == nil {
		prefix := "CLUSTER"
		if key := c.ConfigKey(); key != "cluster" {
			prefix += "_" + strings.ToUpper(key)
		}
		found = c.tryVariables(prefix, shown, func(key string, value any) error {
			trial := maps.Clone(defaults)
			trial[key] = value
			return c.try(trial)
		})
	}
	if found == nil { // only wrong together
		return []error{fmt.Errorf("%s: environment: %w", c.name, plain(err))}
	}
	return found
}

// tryVariables tries the variable of each key, if it is set. values show of what
// type a key is. The library's variables are called like the keys.
func (c *checked) tryVariables(prefix string, values map[string]any, try func(string, any) error) (found []error) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		name := prefix + "_" + strings.ToUpper(strings.ReplaceAll(key, "_", ""))
		if object, is := values[key].(map[string]any); is {
			found = append(found, c.tryVariables(name, object, func(inner string, value any) error {
				changed := maps.Clone(object)
				changed[inner] = value
				return try(key, changed)
			})...)
			continue
		}
		text := os.Getenv(name)
		if text == "" {
			continue
		}
		value, err := likeThat(values[key], text)
		if err == nil {
			err = plain(try(key, value))
		}
		if err != nil {
			found = append(found, fmt.Errorf("%s: environment variable %s: %w", c.name, name, err))
		}
	}
	return found
}

// likeThat reads a text as a value of the same type as another one in JSON.
func likeThat(other any, text string) (value any, err error) {
	switch other.(type) {
	case float64:
		if value, err = strconv.ParseFloat(text, 64); err != nil {
			err = fmt.Errorf("%q is not a number", text)
		}
	case bool:
		if value, err = strconv.ParseBool(text); err != nil {
			err = fmt.Errorf("%q is neither true nor false", text)
		}
	case []any, nil:
		value = strings.Split(text, ",")
	default:
		value = text
	}
	return value, err
}

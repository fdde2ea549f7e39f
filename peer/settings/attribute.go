package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// blame finds the keys that are wrong: over the defaults, keys are added as long
// as that works, and those that are left over are wrong. A key that needs others
// is tried again when these are there, and is not blamed for mistakes of theirs.
func (c *checked) blame(raw []byte, err error) []error {
	if c.fresh == nil {
		return []error{err}
	}
	var given, good map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil || c.decodeDefaults(&good) != nil {
		return []error{c.named(err)}
	}
	left := units(given)
	var found []error
	for before := len(left) + 1; len(left) < before; {
		before, found = len(left), nil
		left = slices.DeleteFunc(left, func(keys []string) bool {
			trial := maps.Clone(good)
			for _, key := range keys {
				trial[key] = given[key]
			}
			err := c.try(trial)
			if err != nil {
				found = append(found, fmt.Errorf("%s.%s: %w", c.name, guilty(keys, err), plain(err)))
				return false
			}
			good = trial
			return true
		})
	}
	if found == nil { // cannot be: all keys are good, and the section is not
		return []error{c.named(err)}
	}
	return found
}

// guilty returns which of keys that belong together an error is about.
func guilty(keys []string, err error) string {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && slices.Contains(keys, wrongType.Field) {
		return wrongType.Field
	}
	return keys[0]
}

// units returns the keys of a section, in order. Those of which neither is
// right without the other are one element.
func units(given map[string]json.RawMessage) [][]string {
	const lower, upper = "replication_factor_min", "replication_factor_max"
	_, both := given[lower]
	var all [][]string
	for _, key := range slices.Sorted(maps.Keys(given)) {
		switch {
		case both && key == upper:
			all = append(all, []string{lower, upper})
		case key == lower && given[upper] != nil:
		default:
			all = append(all, []string{key})
		}
	}
	return all
}

// try loads values into a section that nobody uses.
func (c *checked) try(values any) error {
	text, err := json.Marshal(values)
	if err != nil {
		return err
	}
	return c.fresh().LoadJSON(text)
}

func (c *checked) decodeDefaults(to any) error {
	section := c.fresh()
	if err := section.Default(); err != nil {
		return err
	}
	text, err := section.ToJSON()
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

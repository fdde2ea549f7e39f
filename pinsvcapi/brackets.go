package pinsvcapi

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// The parameters of GET /pins, by how repetitions of them are combined.
var (
	listParams   = []string{"cid", "status"}
	scalarParams = []string{"name", "match", "before", "after", limitParam}
)

// The names of parameters that occur in more than one file.
const (
	metaParam  = "meta"
	limitParam = "limit"
)

// plainValues translates spellings of JavaScript clients into those of the
// specification: "status[]=x" and "cid[0]=x" are elements of a list, "meta[key]=value"
// is an entry of meta. Any other use of a known name with brackets or a dot is an error
// that names the parameter: if the filter was ignored, a client that deletes all listed
// pins would delete too many. For the same reason, a filter that is repeated with
// another value is an error.
func plainValues(values url.Values) (url.Values, error) {
	plain := make(url.Values, len(values))
	var entries []metaEntry
	for _, spelling := range sortedKeys(values) { // in order, so that the same query has the same error
		name, rest := cutName(spelling)
		switch {
		case rest == "" || !isKnown(name):
			plain[spelling] = append(plain[spelling], values[spelling]...)
		case slices.Contains(listParams, name) && isElement(rest):
			plain[name] = append(plain[name], values[spelling]...)
		case name == metaParam && isEntry(rest):
			for _, value := range values[spelling] {
				entries = append(entries, metaEntry{key: rest[1 : len(rest)-1], value: value})
			}
		default:
			return nil, pinset.Invalid(name, "%s is not a spelling of this parameter; %s", quote(spelling), spellingOf(name))
		}
	}
	if err := checkRepeated(plain); err != nil {
		return nil, err
	}
	return plain, addEntries(plain, entries)
}

// metaEntry is one "meta[key]=value".
type metaEntry struct{ key, value string }

// addEntries adds entries to the values of meta, each as a JSON object with one entry.
func addEntries(values url.Values, entries []metaEntry) error {
	for _, e := range entries {
		text, err := json.Marshal(map[string]string{e.key: e.value})
		if err != nil {
			return pinset.Invalid(metaParam, "%v", err)
		}
		values.Add(metaParam, string(text))
	}
	return nil
}

// sortedKeys returns the names of the parameters in order.
func sortedKeys(values url.Values) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// cutName splits the name of a parameter before its first bracket or dot.
func cutName(spelling string) (name, rest string) {
	if i := strings.IndexAny(spelling, "[]."); i >= 0 {
		return spelling[:i], spelling[i:]
	}
	return spelling, ""
}

// isKnown reports whether GET /pins has a parameter of this name.
func isKnown(name string) bool {
	return name == metaParam || slices.Contains(listParams, name) || slices.Contains(scalarParams, name)
}

// isElement reports whether rest is "[]" or "[N]".
func isElement(rest string) bool {
	inside, ok := strings.CutPrefix(rest, "[")
	index, closed := strings.CutSuffix(inside, "]")
	return ok && closed && strings.Trim(index, "0123456789") == ""
}

// isEntry reports whether rest is "[key]" with a key that is not empty. A key may
// contain brackets, but "[a][b]" would be an object inside of meta.
func isEntry(rest string) bool {
	return len(rest) > 2 && rest[0] == '[' && rest[len(rest)-1] == ']' && !strings.Contains(rest, "][")
}

// spellingOf returns the hint of an error: how the parameter is written.
func spellingOf(name string) string {
	switch {
	case name == metaParam:
		return `it is meta={"key":"value"} or meta[key]=value`
	case slices.Contains(listParams, name):
		return "it is " + name + "=a,b or " + name + "[]=a"
	default:
		return "it is " + name + "=value"
	}
}

// checkRepeated refuses a filter with two different values, of which one would be
// ignored. Of a repeated limit, the first is used.
func checkRepeated(values url.Values) error {
	for _, name := range scalarParams {
		if name == limitParam {
			continue
		}
		first := scalar(values, name)
		for _, value := range values[name] {
			if value != "" && value != first {
				return pinset.Invalid(name, "it has two values, %s and %s", quote(first), quote(value))
			}
		}
	}
	return nil
}

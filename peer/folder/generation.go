package folder

import (
	"path/filepath"
	"slices"
	"strings"
)

// openedFiles are files of which each database makes a new one whenever it is
// opened, with a higher number in its name. badger has none.
var openedFiles = map[string]string{
	"pebble":  "OPTIONS-*",
	"leveldb": "MANIFEST-*",
	"badger3": "*.vlog",
}

// generation returns the name of the newest file that an opening of the store
// has made, or nothing when there is none. So a peer knows that another program
// has used the datastore since.
func generation(b backend) string {
	found, err := filepath.Glob(filepath.Join(b.folder(), openedFiles[b.key]))
	if openedFiles[b.key] == "" || err != nil || len(found) == 0 {
		return ""
	}
	newest := slices.MaxFunc(found, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b) // more digits
		}
		return strings.Compare(a, b)
	})
	return filepath.Base(newest)
}

package settings

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// unknownSections returns the names of sections of a service.json that no
// component has: an API whose name is misspelt is not served, and nothing else
// would say why.
func (s *Settings) unknownSections(text []byte) (names []string) {
	known := map[string]bool{"source": true}
	for _, section := range s.sections {
		group, _, _ := strings.Cut(section.Name, ".")
		known[group], known[section.Name] = true, true
	}
	var groups map[string]json.RawMessage
	if json.Unmarshal(text, &groups) != nil {
		return nil
	}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		if !known[group] {
			names = append(names, group)
			continue
		}
		var members map[string]json.RawMessage
		if group == "cluster" || json.Unmarshal(groups[group], &members) != nil {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(members)) {
			if name := group + "." + key; !known[name] {
				names = append(names, name)
			}
		}
	}
	return names
}

package main

import (
	"maps"
	"slices"
	"strings"
)

// Names that packages of one kind share on purpose.
var shared = []string{"main", "init", "New", "Config", "DefaultConfig"}

// repeated is a name that several packages of the product declare.
type repeated struct {
	name
	folders []string
}

// repeatedNames returns the types that two packages of the product declare and the
// functions that three do, those of most packages first. A reader who meets such a
// name has to know where he is.
func repeatedNames(packages []pkg) []repeated {
	folders := map[name][]string{}
	for _, p := range packages {
		if !p.product() {
			continue
		}
		declared := map[name]bool{} // once, also when files for several systems declare it
		for _, f := range p.files {
			for _, n := range f.names {
				declared[n] = !slices.Contains(shared, n.text)
			}
		}
		for n, counts := range declared {
			if counts {
				folders[n] = append(folders[n], p.folder)
			}
		}
	}
	var all []repeated
	for n, in := range maps.All(folders) {
		if least := map[string]int{"type": 2, "func": 3}[n.kind]; len(in) >= least {
			all = append(all, repeated{n, in})
		}
	}
	slices.SortFunc(all, func(a, b repeated) int {
		if d := len(b.folders) - len(a.folders); d != 0 {
			return d
		}
		return strings.Compare(a.text+a.kind, b.text+b.kind)
	})
	return all
}

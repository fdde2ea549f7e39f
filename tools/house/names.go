package main

import (
	"maps"
	"slices"
	"strings"
)

// shared are names that packages have in common on purpose, by the conventions
// of Go or of this project.
var shared = []string{"main", "init", "New", "Config", "DefaultConfig"}

// repeated is a name that several packages of the product declare.
type repeated struct {
	name
	folders []string
}

// repeatedNames returns the types that at least two packages of the product
// declare and the functions that at least three do, the most frequent first. A
// reader who meets such a name in a search has to find out which one it is.
// Short helpers of two packages are left out, as they are rarely worth a shared
// package.
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

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// layers are the folders of the product, the top layer first. Folders in the
// same layer do not import each other.
type layers [][]string

// parseLayers reads the first code block after the heading "Layers": one layer
// on each line, its folders separated by spaces. A folder stands for all
// folders below it that are not listed themselves. A document without the
// block, or with a folder in two layers, is an error: an empty list would find
// nothing wrong.
func parseLayers(document string) (layers, error) {
	_, section, found := strings.Cut(document, "\n## Layers\n")
	if !found {
		return nil, errors.New(`there is no heading "Layers"`)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	parts := strings.Split(section, "```")
	if len(parts) < 3 {
		return nil, errors.New(`there is no code block below the heading "Layers"`)
	}
	_, block, _ := strings.Cut(parts[1], "\n") // the first line names the language
	var all layers
	for line := range strings.Lines(block) {
		folders := strings.Fields(line)
		for _, folder := range folders {
			if slices.ContainsFunc(all, func(layer []string) bool { return slices.Contains(layer, folder) }) {
				return nil, fmt.Errorf("%s has two places", folder)
			}
		}
		if len(folders) > 0 {
			all = append(all, folders)
		}
	}
	return all, nil
}

// place returns the longest entry that contains a package, and the number of
// its layer from the top. The entry is empty if no layer has the package.
func (l layers) place(folder string) (entry string, layer int) {
	for i, folders := range l {
		for _, f := range folders {
			if within(folder, f) && len(f) > len(entry) {
				entry, layer = f, i
			}
		}
	}
	return entry, layer
}

// against returns the imports of the product that do not lead to a lower layer,
// and the packages that are in no layer. Packages below the same entry are one
// unit: the compiler keeps cycles out of it.
func (l layers) against(packages []pkg) (all []string) {
	for _, p := range packages {
		if !p.product() {
			continue
		}
		entry, layer := l.place(p.folder)
		if entry == "" {
			all = append(all, p.folder+" is in no layer")
			continue
		}
		for _, i := range p.imports {
			imported, below := l.place(i)
			switch {
			case imported == "":
				all = append(all, fmt.Sprintf("%s imports %s, which is in no layer", p.folder, i))
			case below < layer:
				all = append(all, fmt.Sprintf("%s imports %s, which is above it", p.folder, i))
			case below == layer && imported != entry:
				all = append(all, fmt.Sprintf("%s imports %s, which is beside it", p.folder, i))
			}
		}
	}
	return all
}

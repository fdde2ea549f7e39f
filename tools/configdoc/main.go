// Command configdoc writes docs/configuration.md, the reference of all keys of
// service.json, from what the code itself says. A test fails when the file
// differs.
//
//	go run ./tools/configdoc     from the module's folder; `make docs`
//
// The way through it: page.go collects the sections that a peer knows and puts
// them into configuration.md.tmpl. For our own sections (ours.go) names, types
// and defaults come by reflection, and descriptions are the comments of the
// struct fields (comments.go). Of the library's sections (library.go) there are
// the names and defaults that they write themselves. What a section is, in a
// line, is in about.go, and it has to be there for every section.
package main

import (
	"fmt"
	"os"
)

// pageFile is the file that is written, from the module's folder.
const pageFile = "docs/configuration.md"

func main() {
	text, err := page(".")
	if err == nil {
		err = os.WriteFile(pageFile, text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "configdoc:", err)
		os.Exit(1)
	}
}

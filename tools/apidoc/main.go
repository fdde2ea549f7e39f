// Command apidoc writes pinsvcapi/api.html, the reference of the Pinning Service
// API for people, from pinsvcapi/openapi.yaml. The peer serves both. A test fails
// when the file differs.
//
//	go run ./tools/apidoc     from the module's folder; `make docs`
//
// The way through it: document.go takes operations and schemas from the document,
// words.go says in words what a schema allows, text.go renders the part of
// CommonMark that descriptions use, and api.html.tmpl puts all of it on a page.
// What it cannot render is an error, never left out.
package main

import (
	"bytes"
	_ "embed" // the template
	"fmt"
	"os"
	"path/filepath"

	"github.com/ipfs-cluster/pinsvc/common/webpage"
)

// The files, from the module's folder.
const (
	sourceFile = "pinsvcapi/openapi.yaml"
	pageFile   = "pinsvcapi/api.html"
)

//go:embed api.html.tmpl
var pageSource string

func main() {
	text, err := render(".")
	if err == nil {
		err = os.WriteFile(pageFile, text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "apidoc:", err)
		os.Exit(1)
	}
}

// render returns the page for the OpenAPI document of the module in the folder
// root.
func render(root string) ([]byte, error) {
	source, err := os.ReadFile(filepath.Join(root, sourceFile))
	if err != nil {
		return nil, err
	}
	doc, err := read(source)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sourceFile, err)
	}
	t, err := webpage.Parse(pageSource)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = webpage.Write(&text, t, doc)
	return text.Bytes(), err
}

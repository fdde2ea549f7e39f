package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// pkg is a package of the module, without its tests and generated files.
type pkg struct {
	folder  string // from the module's folder, with slashes; "." is that folder itself
	imports []string
	files   []file
}

// outside are the folders whose packages are not part of the product: they test
// it, measure it, or generate documents. The limits do not apply to them,
// because a scenario or a table of a test is long for good reasons.
var outside = []string{"bench", "findings", "internal/testpeer", "sharness", "tools"}

// product reports whether the package is a part of what users run.
func (p pkg) product() bool {
	return !slices.ContainsFunc(outside, func(folder string) bool { return within(p.folder, folder) })
}

// within reports whether a path is a folder or below it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// moduleLine matches the path of the module in go.mod.
var moduleLine = regexp.MustCompile(`(?m)^module\s+(\S+)`)

// load parses every package of the module in the folder root, ordered by
// folder. It walks the files and does not use the go command, so that files for
// other systems are measured, too, and the report takes a second. Like the go
// command, it leaves out testdata, nested modules, and names that begin with a
// dot or an underscore.
func load(root string) ([]pkg, error) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	module := moduleLine.FindSubmatch(text)
	if module == nil {
		return nil, errors.New("go.mod has no module line")
	}
	found := map[string]*pkg{}
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			return enter(root, path)
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || hidden(e.Name()) {
			return nil
		}
		return add(found, root, path, string(module[1]))
	})
	var all []pkg
	for _, p := range found {
		slices.Sort(p.imports)
		p.imports = slices.Compact(p.imports)
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b pkg) int { return strings.Compare(a.folder, b.folder) })
	return all, err
}

// enter returns fs.SkipDir for a folder that has no packages of the module, and
// nil for all others.
func enter(root, path string) error {
	if path == root {
		return nil
	}
	name := filepath.Base(path)
	if hidden(name) || name == "testdata" || name == "vendor" {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// hidden reports whether the go command ignores a file or a folder because of
// its name.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

// add measures a file and adds it to its package, which may be spread over
// several calls. Imports of other modules are dropped: the layers are about our
// own.
func add(found map[string]*pkg, root, path, module string) error {
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	relative, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	f, err := measure(filepath.ToSlash(relative), source)
	if err != nil {
		return fmt.Errorf("measuring: %w", err)
	}
	if f.generated {
		return nil
	}
	folder := filepath.ToSlash(filepath.Dir(relative))
	if found[folder] == nil {
		found[folder] = &pkg{folder: folder}
	}
	p := found[folder]
	p.files = append(p.files, f)
	for _, path := range f.imports {
		if within(path, module) {
			p.imports = append(p.imports, strings.TrimPrefix(strings.TrimPrefix(path, module), "/"))
		}
	}
	return nil
}

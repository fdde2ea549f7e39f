package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
)

// module is the prefix of the import paths of our packages.
const module = "github.com/ipfs-cluster/pinsvc"

// comments reads the comments of struct fields from the source, which
// reflection does not have. Each type is parsed once.
type comments struct {
	root   string // the module's folder
	fields map[reflect.Type]map[string]string
}

// of returns the comment of a struct field in one line. A field without a
// comment directly below another one shares its comment. A field without any is
// an error: every key has to be documented where it is declared.
func (c *comments) of(owner reflect.Type, field string) (string, error) {
	found, read := c.fields[owner]
	if !read {
		var err error
		if found, err = c.read(owner); err != nil {
			return "", err
		}
		c.fields[owner] = found
	}
	text := found[field]
	if text == "" {
		return "", fmt.Errorf("field %s of %s has no comment", field, owner)
	}
	return text, nil
}

// read finds the declaration of a type in the files of its package, and returns
// the comments of its fields.
func (c *comments) read(owner reflect.Type) (map[string]string, error) {
	folder := filepath.Join(c.root, strings.TrimPrefix(owner.PkgPath(), module))
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if s := structNamed(file, owner.Name()); s != nil {
			return fieldComments(set, s), nil
		}
	}
	return nil, fmt.Errorf("%s is not declared in %s", owner, folder)
}

// structNamed returns the declaration of a struct type in a file, or nil.
func structNamed(file *ast.File, name string) (found *ast.StructType) {
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == name {
			found, _ = spec.Type.(*ast.StructType)
		}
		return found == nil
	})
	return found
}

// fieldComments returns the comments of the fields by name.
func fieldComments(set *token.FileSet, s *ast.StructType) map[string]string {
	found := map[string]string{}
	last, lastLine := "", 0
	for _, f := range s.Fields.List {
		text := strings.Join(strings.Fields(f.Doc.Text()), " ")
		line := set.Position(f.Pos()).Line
		if f.Doc == nil && line == lastLine+1 {
			text = last
		}
		for _, name := range f.Names {
			found[name.Name] = text
		}
		last, lastLine = text, set.Position(f.End()).Line
	}
	return found
}

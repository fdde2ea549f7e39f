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

// module is what the import paths of our packages begin with.
const module = "github.com/ipfs-cluster/pinsvc"

// comments has what the source says of the fields of structs.
type comments struct {
	root   string // the module's folder
	fields map[reflect.Type]map[string]string
}

// of returns the comment of a struct's field, in one line. A field right below
// another one, without a comment of its own, is meant by that one's.
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

func structNamed(file *ast.File, name string) (found *ast.StructType) {
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == name {
			found, _ = spec.Type.(*ast.StructType)
		}
		return found == nil
	})
	return found
}

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

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"strconv"
	"strings"
)

// file has the measures of a source file.
type file struct {
	path      string
	generated bool // nothing else is measured then
	lines     int  // all of them
	filled    int  // not blank
	comments  int  // of those: nothing but a comment
	functions []function
	names     []name // declared at the top of the package
	imports   []string
}

// function is a function or a method with a body. Function literals count as
// lines of the function that contains them.
type function struct {
	name       string // "Type.method" for a method
	path       string
	line       int
	lines      int // from the word func to the closing brace
	parameters int // without the receiver
}

// String returns the place and the name of a function.
func (f function) String() string { return fmt.Sprintf("%s:%d %s", f.path, f.line, f.name) }

// name is a type or a function that a package declares. Methods, variables and
// constants are left out: their meaning follows from their type.
type name struct {
	text string
	kind string // "type" or "func"
}

// measure parses a file and returns its measures. path is for the report only.
func measure(path string, source []byte) (file, error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return file{}, err
	}
	f := file{path: path, generated: ast.IsGenerated(parsed)}
	if f.generated {
		return f, nil
	}
	f.countLines(source)
	for _, i := range parsed.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return f, err
		}
		f.imports = append(f.imports, imported)
	}
	for _, d := range parsed.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			f.addFunction(files, d)
		case *ast.GenDecl:
			f.addTypes(d)
		}
	}
	return f, nil
}

// addFunction adds a declaration. One without a body is implemented elsewhere,
// and has no lines to count.
func (f *file) addFunction(files *token.FileSet, d *ast.FuncDecl) {
	text := d.Name.Name
	if d.Recv == nil {
		f.names = append(f.names, name{text, "func"})
	} else {
		text = receiver(d.Recv.List[0].Type) + "." + text
	}
	if d.Body == nil {
		return
	}
	begin, end := files.Position(d.Type.Func).Line, files.Position(d.Body.Rbrace).Line
	f.functions = append(f.functions, function{
		name: text, path: f.path, line: begin, lines: end - begin + 1, parameters: d.Type.Params.NumFields(),
	})
}

// receiver returns the name of a receiver's type, without pointer and type
// parameters.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}

// addTypes adds the types of a declaration, which may be a group.
func (f *file) addTypes(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		if t, ok := spec.(*ast.TypeSpec); ok {
			f.names = append(f.names, name{t.Name.Name, "type"})
		}
	}
}

// countLines counts the lines of a file that parses. A line with both code and
// a comment counts as code, and so does a line within a string. Directives such
// as //go:build are code. It works on tokens, because a line in a string can
// look like a comment.
func (f *file) countLines(source []byte) {
	code, comment := map[int]bool{}, map[int]bool{}
	files := token.NewFileSet()
	base := files.AddFile(f.path, files.Base(), len(source))
	var s scanner.Scanner
	s.Init(base, source, nil, scanner.ScanComments)
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			break
		}
		if tok == token.SEMICOLON && text == "\n" { // inserted by the scanner
			continue
		}
		lines := code
		if tok == token.COMMENT && !strings.HasPrefix(text, "//go:") {
			lines = comment
		}
		first := base.Line(pos)
		for i := range strings.Count(text, "\n") + 1 {
			lines[first+i] = true
		}
	}
	all := strings.Split(strings.TrimSuffix(string(source), "\n"), "\n")
	f.lines = len(all)
	for i, line := range all {
		if strings.TrimSpace(line) == "" {
			continue
		}
		f.filled++
		if comment[i+1] && !code[i+1] {
			f.comments++
		}
	}
}

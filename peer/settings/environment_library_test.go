package settings_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/stretchr/testify/require"
)

// librarySource is the folder of the library's source.
func librarySource(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", library).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// variablesOf reads the names of a section's environment variables: envconfig
// makes them of the fields of a struct that the library does not export.
func variablesOf(t *testing.T, source string, section config.ComponentConfig) []string {
	t.Helper()
	kind := reflect.TypeOf(section).Elem()
	if shared := kind.Field(0); shared.Anonymous && shared.Type.Kind() == reflect.Pointer { // of both APIs
		kind = shared.Type.Elem()
	} else if shared.Anonymous && shared.Type.Name() == "Config" {
		kind = shared.Type
	}
	structs := structsIn(t, filepath.Join(source, strings.TrimPrefix(kind.PkgPath(), library)))
	prefix := "CLUSTER_" + strings.ToUpper(section.ConfigKey())
	if section.ConfigKey() == "cluster" {
		prefix = "CLUSTER"
	}
	for _, name := range []string{"json" + kind.Name(), "configJSON"} {
		if top, ok := structs[name]; ok {
			return fieldNames(structs, top, prefix)
		}
	}
	t.Fatalf("%s: no struct for its file", kind)
	return nil
}

// structsIn are the struct types that a folder's Go files declare.
func structsIn(t *testing.T, dir string) map[string]*ast.StructType {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	found := map[string]*ast.StructType{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					found[spec.Name.Name] = s
				}
			}
			return true
		})
	}
	return found
}

func fieldNames(structs map[string]*ast.StructType, in *ast.StructType, prefix string) []string {
	names := map[string]bool{}
	for _, field := range in.Fields.List {
		kind := field.Type
		if pointer, ok := kind.(*ast.StarExpr); ok {
			kind = pointer.X
		}
		var inner *ast.StructType
		if ident, ok := kind.(*ast.Ident); ok {
			inner = structs[ident.Name]
		}
		for _, name := range field.Names {
			variable := fmt.Sprintf("%s_%s", prefix, strings.ToUpper(name.Name))
			if inner == nil {
				names[variable] = true
				continue
			}
			for _, n := range fieldNames(structs, inner, variable) {
				names[n] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

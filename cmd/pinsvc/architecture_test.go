package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	module  = "github.com/ipfs-cluster/pinsvc"
	library = "github.com/ipfs-cluster/ipfs-cluster"
	gorpc   = "github.com/libp2p/go-libp2p-gorpc"
)

// listed is what `go list` says of a package.
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
	Standard   bool
}

// list returns the packages that match, or with deps all that they need.
func list(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,GoFiles,Imports,Standard"}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	require.NoError(t, err, errs.String())
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, p)
	}
}

// within tells whether a package is the folder or below it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func TestImportRules(t *testing.T) {
	rules := []struct {
		in     string   // packages in this folder
		ban    string   // import nothing in this folder
		except []string // but these
		why    string
	}{
		{"config", module, []string{"config"},
			"a section's behaviour is the bottom of everything: it can be read without the rest"},
		{"common", module, []string{"common", "config"},
			"both APIs stand on the shared layer, so it must not know either"},
		{"common", library, nil,
			"the shared layer knows nothing of pins or clusters, so that it can be judged as a security layer alone"},
		{"common", gorpc, nil, "the way to the cluster begins in the component's adapter"},
		{"common/auth", module, []string{"common/auth", "config"},
			"who sent a request does not depend on what it asks for: the handler imports it, not it the handler"},
		{"common/listen", module, []string{"common/listen", "config"},
			"a listener knows connections, not requests or users"},
		{"config", library, nil,
			"a section satisfies the library's interface by its methods, so that anybody's program can use it"},
		{"pinset", module, []string{"pinset"},
			"what a pin is does not depend on who asks for it, or where it is kept"},
		{"pinset", "net/http", nil, "errors become responses in the APIs"},
		{"pinset", gorpc, nil, "what a pin is does not depend on who keeps it"},
		{"internal/clusterrpc", module, []string{"internal/clusterrpc", "pinset"},
			"the way to the cluster belongs to both APIs, and knows neither"},
		{"internal/failures", module, []string{"internal/failures", "common", "pinset"},
			"the table of errors belongs to both APIs, and knows neither"},
		{"pinsvcapi", module, []string{"pinsvcapi", "common", "config", "pinset", "internal/failures", "internal/clusterrpc"},
			"the component can be plugged into somebody else's peer, without the program"},
		{"restapi", module, []string{"restapi", "common", "config", "pinset", "internal/failures", "internal/clusterrpc"},
			"the component can be plugged into somebody else's peer, without the program or the other API"},
		{"consensus", module, []string{"consensus", "pinset", "internal"},
			"a consensus is a component of any peer: it knows neither who writes nor what follows from a change"},
		{"consensus", "net/http", nil, "a consensus does not know HTTP"},
		{"tracker", module, []string{"tracker", "consensus/shards", "pinset", "embedded", "internal"},
			"a tracker follows the change feed of any consensus, and any connector"},
		{"tracker", "net/http", nil, "a tracker does not know HTTP"},
		{"tracker", library + "/consensus", nil, "a tracker works with any consensus"},
		{"ipfsconn", module, []string{"ipfsconn", "pinset", "embedded", "internal"},
			"the way to the IPFS node knows neither the state nor who changes it"},
		{"ipfsconn", library + "/consensus", nil, "the way to the IPFS node works with any consensus"},
		{"internal/backoff", module, nil, "it is a tool"},
		{"internal/fifo", module, nil, "it is a tool"},
		{"internal/hidden", module, nil, "it is a tool"},
		{"peer/settings", module + "/peer", []string{"peer/settings"},
			"a configuration can be read without the peer that it is for"},
		{"peer/folder", module + "/peer", []string{"peer/folder", "peer/settings"},
			"a folder can be made, checked and changed without a peer that runs"},
		{"peer/metrics", module + "/peer", []string{"peer/metrics", "peer/settings"},
			"what is measured is given to it"},
		{"peer/verify", module + "/peer", []string{"peer/verify", "peer/folder", "peer/settings"},
			"it checks the folder of a stopped peer, too"},
		{"internal/atomicfile", module, nil, "it is a tool"},
		{"embedded/disk", module, []string{"embedded/disk"},
			"whether a disk is full has nothing to do with what is on it"},
		{"embedded/network", module, []string{"embedded/network", "embedded/disk", "config"},
			"the network knows neither pins nor where blocks are kept"},
		{"embedded/storage", module, []string{"embedded/storage", "embedded/disk"},
			"blocks on disk know neither pins nor the network, so that an offline command can open them"},
		{"embedded/storage", "github.com/libp2p/go-libp2p/core/host", nil, "blocks on disk do not know the network"},
		{"embedded", module, []string{"embedded", "config"},
			"the IPFS node is a connector like any other: APIs do not know where content is"},
		{"", library + "/cmdutils", nil,
			"it brings the library's own APIs into every program that imports it"},
		{"", library + "/api/pinsvcapi", nil,
			"that component is what this repository replaces"},
		{"", library + "/api/common", nil,
			"there is one authentication layer, and it is package common/auth"},
		{"", library + "/api/rest", nil,
			"that component is what package restapi replaces; its client is for tests"},
	}
	packages := list(t, "./...")
	for _, r := range rules {
		name := r.in
		if name == "" {
			name = "nothing"
		}
		t.Run(name+" imports "+r.ban, func(t *testing.T) {
			for _, p := range packages {
				if !within(p.ImportPath, strings.TrimSuffix(module+"/"+r.in, "/")) {
					continue
				}
				for _, i := range p.Imports {
					allowed := slices.ContainsFunc(r.except, func(e string) bool { return within(i, module+"/"+e) })
					if within(i, r.ban) && !allowed {
						t.Errorf("%s imports %s: %s", p.ImportPath, i, r.why)
					}
				}
			}
		})
	}
}

func TestProgramDependencies(t *testing.T) {
	deps := list(t, "-deps", "./cmd/pinsvc")
	for _, ban := range []struct{ path, why string }{
		{library + "/cmdutils", "it imports the library's Pinning Service API"},
		{library + "/api/pinsvcapi", "the program must not contain two of them"},
		{library + "/api/rest", "the program must not contain two of them"},
		{library + "/api/common", "there is one authentication layer, and it is package common/auth"},
		{library + "/test", "it is for tests"},
		{"github.com/stretchr/testify", "it is for tests"},
	} {
		for _, d := range deps {
			require.Falsef(t, within(d.ImportPath, ban.path), "the program depends on %s: %s", ban.path, ban.why)
		}
	}
}

// TestPeerIsOnTop: a package that assembles peers is no part of one.
func TestPeerIsOnTop(t *testing.T) {
	for _, p := range list(t, "./...") {
		if slices.ContainsFunc([]string{"peer", "cmd", "tools", "bench", "internal/testpeer"}, func(f string) bool { return within(p.ImportPath, module+"/"+f) }) {
			continue
		}
		for _, i := range p.Imports {
			if within(i, module+"/peer") {
				t.Errorf("%s imports %s: only commands, tools, benchmarks and tests assemble a peer", p.ImportPath, i)
			}
		}
	}
}

// TestOneDoor: what belongs in one file stays in one file.
func TestOneDoor(t *testing.T) {
	for _, rule := range []struct{ folder, path, file, why string }{
		{"pinsvcapi", gorpc, "cluster.go", "the component's only way to the cluster"},
		{"pinsvcapi", library + "/state", "cluster.go", "foreign errors are translated where they enter"},
		{"restapi", gorpc, "cluster_rpc.go", "the component's only way to the cluster"},
		{"cmd/pinsvc", "os/signal", "daemon.go", "signals are for the program, not for libraries"},
	} {
		t.Run(rule.folder+" "+rule.path, func(t *testing.T) {
			folder := filepath.Join("..", "..", filepath.FromSlash(rule.folder))
			var users []string
			for _, name := range sources(t, folder) {
				for _, i := range parse(t, filepath.Join(folder, name), parser.ImportsOnly).Imports {
					if path, _ := strconv.Unquote(i.Path.Value); path == rule.path {
						users = append(users, name)
					}
				}
			}
			require.Equal(t, []string{rule.file}, users, rule.why)
		})
	}
}

// TestHouseRules: no exits in libraries, no init functions.
func TestHouseRules(t *testing.T) {
	for _, p := range list(t, "./...") {
		for _, name := range p.GoFiles {
			ast.Inspect(parse(t, filepath.Join(p.Dir, name), 0), func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					if n.Name.Name == "init" && n.Recv == nil {
						t.Errorf("%s/%s has an init function: importing a package must not do anything", p.ImportPath, name)
					}
				case *ast.SelectorExpr:
					x, _ := n.X.(*ast.Ident)
					if x != nil && x.Name == "os" && n.Sel.Name == "Exit" && name != "main.go" {
						t.Errorf("%s/%s calls os.Exit: only main ends the process", p.ImportPath, name)
					}
				}
				return true
			})
		}
	}
}

// TestPackageComments: each package has one comment, which begins as go doc
// wants it.
func TestPackageComments(t *testing.T) {
	for _, p := range list(t, "./...") {
		var comments []string
		name := ""
		for _, file := range p.GoFiles {
			f := parse(t, filepath.Join(p.Dir, file), parser.PackageClauseOnly|parser.ParseComments)
			name = f.Name.Name
			if f.Doc != nil {
				comments = append(comments, f.Doc.Text())
			}
		}
		if len(p.GoFiles) == 0 {
			continue
		}
		require.Lenf(t, comments, 1, "package comments of %s", p.ImportPath)
		begin := "Package " + name + " "
		if name == "main" {
			begin = "Command " + filepath.Base(p.ImportPath) + " "
		}
		require.Truef(t, strings.HasPrefix(comments[0], begin), "the comment of %s begins with %q", p.ImportPath, begin)
		require.NotEmpty(t, new(doc.Package).Synopsis(comments[0]))
	}
}

// TestGivenLibraries: what the project is built on is required directly.
func TestGivenLibraries(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	require.NoError(t, err)
	for _, path := range []string{
		library,
		gorpc,
		"github.com/ipfs/boxo",
		"github.com/hsanjuan/ipfs-lite",
		"github.com/golang-jwt/jwt/v4",
		"github.com/gorilla/mux",
	} {
		direct := slices.ContainsFunc(strings.Split(string(text), "\n"), func(line string) bool {
			fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
			return len(fields) == 2 && fields[0] == path // a third would be "// indirect"
		})
		require.Truef(t, direct, "go.mod requires %s directly", path)
	}
}

// sources are the names of a folder's Go files, without tests.
func sources(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			names = append(names, e.Name())
		}
	}
	return names
}

func parse(t *testing.T, path string, mode parser.Mode) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, mode)
	require.NoError(t, err)
	return f
}

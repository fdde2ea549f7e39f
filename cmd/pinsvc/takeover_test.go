package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// manyPins is an export of n pins with names and metadata.
func manyPins(n int) (text string, names map[string]string) {
	var b strings.Builder
	names = map[string]string{}
	for i := range n {
		c, name := testCID(fmt.Sprint("taken over ", i)), fmt.Sprintf("pin %d", i)
		names[c] = name
		fmt.Fprintf(&b, `{"replication_factor_min":-1,"replication_factor_max":-1,"name":%q,"mode":"recursive","metadata":{"n":"%d"},`+
			`"cid":%q,"type":"pin","allocations":[],"max_depth":-1,"timestamp":"2024-01-01T00:%02d:%02dZ"}`+"\n",
			name, i, c, i/60%60, i%60)
	}
	return b.String(), names
}

// TestTakeover: a folder of ipfs-cluster-service with a thousand pins goes on
// here, and back there, on each datastore and consensus.
func TestTakeover(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{
		{"--datastore", "pebble"}, {"--datastore", "badger3"}, {"--datastore", "badger"}, {"--datastore", "leveldb"},
		{"--consensus", "raft"},
	} {
		t.Run(flags[1], func(t *testing.T) {
			t.Parallel()
			takeOver(t, flags)
		})
	}
}

func takeOver(t *testing.T, flags []string) {
	us, them := ours(t), theirs(t)
	n := newNode(t, them, process.Options{InitFlags: flags})
	text, names := manyPins(1000)
	file := filepath.Join(t.TempDir(), "export")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	require.NoError(t, n.folder.Import(t.Context(), file))
	for c := range names {
		n.ipfs.Pin(decodeCID(t, c))
	}
	before := n.settings()

	n.start(them)
	there := testCID("pinned there")
	n.ctl("pin", "add", "--name", "there", "--metadata", "colour=red", there)
	names[there] = "there"
	n.stop()
	require.Equal(t, n.export(them), n.export(us), "byte for byte")

	n.start(us)
	require.Equal(t, names, n.everything())
	require.Eventually(t, func() bool {
		_, text, err := n.do(http.MethodGet, "/pins?status=pinned&limit=1", "")
		return err == nil && strings.Contains(text, `"count":1001`)
	}, patient, 50*time.Millisecond)
	here, renamed, removed := testCID("pinned here"), testCID("taken over 1"), testCID("taken over 2")
	n.pin(here, "here")
	created := n.get(renamed).created
	n.pin(renamed, "renamed")
	require.Equal(t, created, n.get(renamed).created)
	status, text, err := n.do(http.MethodDelete, "/pins/"+removed, "")
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, status, text)
	names[here], names[renamed] = "here", "renamed"
	delete(names, removed)
	n.stop()
	require.Equal(t, before, n.settings(), "the configuration is as it was")
	require.Equal(t, n.export(them), n.export(us), "byte for byte")

	n.start(them)
	pins := n.ctlPins()
	require.Len(t, pins, len(names))
	for c, name := range names {
		require.Equal(t, name, pins[c].Name)
	}
	require.Equal(t, "red", pins[there].Metadata["colour"])
	require.Eventually(t, func() bool { return strings.Contains(n.ctl("status", here), "PINNED") }, patient, 100*time.Millisecond)
	n.stop()
}

// TestStateGoesBothWays: what one program exports, the other imports.
func TestStateGoesBothWays(t *testing.T) {
	t.Parallel()
	us, them := ours(t), theirs(t)
	text, _ := manyPins(100)
	file := filepath.Join(t.TempDir(), "export")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	first := newNode(t, them, process.Options{})
	importAs(t, first, them, them, file)
	want := first.export(them)
	for _, c := range []struct {
		kind    string
		imports process.Program
	}{{"crdt", us}, {"raft", us}, {"crdt", them}, {"raft", them}} {
		t.Run(c.imports.Name+" "+c.kind, func(t *testing.T) {
			require.NoError(t, os.WriteFile(file, []byte(strings.Join(want, "\n")+"\n"), 0o600))
			next := newNode(t, c.imports, process.Options{InitFlags: []string{"--consensus", c.kind}})
			importAs(t, next, c.imports, them, file)
			require.Equal(t, want, next.export(us))
			require.Equal(t, want, next.export(them))
		})
	}
}

// importAs imports a file by a program. The library's closes its database while
// its CRDT still reads it, and panics now and then: it is tried again.
func importAs(t *testing.T, n *node, program, theirs process.Program, file string) {
	t.Helper()
	err := n.folder.Import(t.Context(), file)
	for tries := 0; tries < 10 && program == theirs && err != nil && strings.Contains(err.Error(), "pebble: closed"); tries++ {
		err = n.folder.Import(t.Context(), file)
	}
	require.NoError(t, err)
}

// TestFolderOfOursStartsThere: what our init has written, with keys that only
// we know, and sections that nobody knows, is a folder for
// ipfs-cluster-service.
func TestFolderOfOursStartsThere(t *testing.T) {
	t.Parallel()
	us, them := ours(t), theirs(t)
	for _, kind := range []string{"crdt", "raft"} {
		t.Run(kind, func(t *testing.T) {
			n := newNode(t, us, process.Options{InitFlags: []string{"--consensus", kind}})
			text := n.settings()
			require.Contains(t, text, "max_concurrent_requests")
			text = strings.Replace(text, `"api": {`, `"future": {"key": 1}, "api": { "grpc": {"key": 2},`, 1)
			text = strings.Replace(text, `"cluster": {`, `"cluster": { "from_tomorrow": [3],`, 1)
			require.Contains(t, text, "from_tomorrow")
			require.NoError(t, os.WriteFile(filepath.Join(n.folder.Path(), "service.json"), []byte(text), 0o600))

			c := testCID("in our folder " + kind)
			n.start(us)
			n.pin(c, "x")
			n.stop()
			require.Equal(t, text, n.settings(), "what nobody knows is kept")
			n.start(them)
			require.Equal(t, "x", n.ctlPins()[c].Name)
			n.stop()
			require.Equal(t, text, n.settings())
		})
	}
}

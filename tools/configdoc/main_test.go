package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/config"
)

// root is the module's folder.
const root = "../.."

func TestPageIsUpToDate(t *testing.T) {
	want, err := page(root)
	require.NoError(t, err)
	have, err := os.ReadFile(filepath.Join(root, pageFile))
	require.NoError(t, err)
	if string(have) != string(want) {
		t.Fatalf("%s is not what the code says: run `make docs`\n%s", pageFile, firstDifference(string(have), string(want)))
	}
}

func firstDifference(have, want string) string {
	a, b := strings.Split(have, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "file: " + a[i] + "\ncode: " + b[i]
		}
	}
	return "one is longer"
}

func TestForOperators(t *testing.T) {
	keys := []config.Key{
		{Name: "join_dht", Field: "JoinDHT"},
		{Name: "folder", Field: "Folder"},
		{Name: "headers", Field: "Headers"},
		{Name: "id", Field: "ID"},
	}
	for _, c := range []struct{ text, want string }{
		{"JoinDHT makes the node look.", "`join_dht` makes the node look."},
		{"JoinDHT or not JoinDHT, see join_dht.", "`join_dht` or not `join_dht`, see `join_dht`."},
		{"Folder is where blocks are. Folders of others are not.", "`folder` is where blocks are. Folders of others are not."},
		{"Headers that every answer has.", "Headers that every answer has."},
		{"ID of a peer.", "ID of a peer."},
	} {
		for _, own := range keys {
			if strings.HasPrefix(c.text, own.Field) {
				require.Equal(t, c.want, forOperators(c.text, own, keys))
			}
		}
	}
}

func TestComments(t *testing.T) {
	read := &comments{root: root, fields: map[reflect.Type]map[string]string{}}
	owner := reflect.TypeFor[common.Config]()
	text, err := read.of(owner, "ReadTimeout")
	require.NoError(t, err)
	require.Contains(t, text, "How long a client may take")
	_, err = read.of(owner, "Unheard")
	require.ErrorContains(t, err, "Unheard")
	_, err = read.of(reflect.TypeFor[struct{ A int }](), "A")
	require.Error(t, err)
}

func TestVariable(t *testing.T) {
	require.Equal(t, "CLUSTER_PEERNAME", variable("cluster", "peername"))
	require.Equal(t, "CLUSTER_CRDT_BATCHING_MAXBATCHSIZE", variable("crdt", "batching.max_batch_size"))
}

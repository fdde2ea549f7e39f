package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	somebody  = "12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT"
	somewhere = "/ip4/127.0.0.1/tcp/1/p2p/" + somebody
)

// file reads a service.json.
func file(t *testing.T, folder string) (doc struct {
	Source    string
	Cluster   struct{ Secret string }
	Consensus struct {
		Crdt struct {
			TrustedPeers []string `json:"trusted_peers"`
		}
	}
}) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "service.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &doc))
	return doc
}

func TestInitForACluster(t *testing.T) {
	isolate(t)
	folder := filepath.Join(t.TempDir(), "peer")
	secret := strings.Repeat("c0ffee00", 8)
	r := execute(t, secret+"\n", "-c", folder, "init", "-custom-secret", "-peers", somewhere+", "+somewhere)
	require.Zero(t, r.code, r.err)
	require.Equal(t, secret, file(t, folder).Cluster.Secret)
	require.Equal(t, []string{somebody}, file(t, folder).Consensus.Crdt.TrustedPeers)
	require.NotContains(t, r.out+r.err, secret)

	for _, typed := range []string{"", "\n", "c0ffee\n"} {
		r := execute(t, typed, "-c", filepath.Join(t.TempDir(), "peer"), "init", "-s")
		require.Equal(t, 1, r.code)
		require.Contains(t, r.err, "secret")
	}
	none := filepath.Join(t.TempDir(), "peer")
	require.Contains(t, refuse(t, "", "-c", none, "init", "--peers", "/ip4/127.0.0.1/tcp/1"), "--peers /ip4/127.0.0.1/tcp/1")
	require.Contains(t, refuse(t, "", "-c", none, "init", "nonsense"), "nonsense is not an HTTP or HTTPS URL")
	require.NoDirExists(t, none)
}

func TestInitWithASource(t *testing.T) {
	isolate(t)
	folder := filepath.Join(t.TempDir(), "peer")
	out := succeed(t, "", "-c", folder, "init", "-s", "http://127.0.0.1:1/service.json")
	require.Equal(t, "http://127.0.0.1:1/service.json", file(t, folder).Source)
	require.Empty(t, file(t, folder).Cluster.Secret)
	require.NotContains(t, out, "ipfs pin remote")
	require.FileExists(t, filepath.Join(folder, "identity.json"))
	require.Contains(t, refuse(t, "", "-c", folder, "daemon"), "http://127.0.0.1:1/service.json")
}

func TestStateImportFlags(t *testing.T) {
	folder := newFolder(t)
	state := func(args ...string) []string { return append([]string{"-c", folder, "state"}, args...) }
	succeed(t, exported, state("import", "-f", "--rmin", "2", "-rmax=3", "--allocs", somebody)...)
	out := succeed(t, "", state("export")...)
	require.Contains(t, out, `"replication_factor_min":2,"replication_factor_max":3`)
	require.Contains(t, out, `"allocations":["`+somebody+`"]`)
	require.Contains(t, refuse(t, exported, state("import", "-f", "--allocations", "nobody")...), "--allocations nobody")
	require.Contains(t, refuse(t, exported, state("import", "-f", "--replication-min", "2")...), "nothing was changed")
	require.Equal(t, out, succeed(t, "", state("export")...))
}

func TestStateCRDT(t *testing.T) {
	folder := newFolder(t)
	crdt := func(args ...string) []string { return append([]string{"-c", folder, "state", "crdt"}, args...) }
	require.Contains(t, succeed(t, "", crdt()...), "mark-dirty")
	require.True(t, strings.HasPrefix(succeed(t, "", crdt("info")...), "Number of heads: 0. Current max-height: 0. Dirty: false\nHeads: []\nLast walk: never\n"))
	require.Equal(t, "Datastore marked 'dirty'\n", succeed(t, "", crdt("mark-dirty")...))
	require.Contains(t, succeed(t, "", crdt("info")...), "Dirty: true")
	require.Equal(t, "Datastore marked 'clean'\n", succeed(t, "", crdt("mark-clean")...))
	path := filepath.Join(t.TempDir(), "dag.dot")
	require.Empty(t, succeed(t, "", crdt("dot", "-f", path)...))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, succeed(t, "", crdt("dot")...), string(text))
	require.Contains(t, string(text), "digraph")

	raft := filepath.Join(t.TempDir(), "raft")
	succeed(t, "", "-c", raft, "init", "--consensus", "raft")
	for _, command := range []string{"info", "dot", "mark-dirty", "mark-clean"} {
		require.Contains(t, refuse(t, "", "-c", raft, "state", "crdt", command), "is not crdt")
	}
}

// TestReadiness: systemd hears when the daemon is ready and when it stops.
func TestReadiness(t *testing.T) {
	folder := newFolder(t)
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	heard := func() string {
		require.NoError(t, socket.SetReadDeadline(time.Now().Add(patient)))
		text := make([]byte, 1024)
		n, err := socket.Read(text)
		require.NoError(t, err)
		return string(text[:n])
	}
	d := startDaemon(t, folder, "-upgrade", "-no-trust")
	require.Equal(t, "READY=1", heard())
	require.Zero(t, d.end(t, os.Interrupt))
	require.Equal(t, "STOPPING=1", heard())
}

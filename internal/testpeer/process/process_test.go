package process_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

func fake(t *testing.T, mode string) process.Program {
	t.Helper()
	t.Setenv(fakeMode, mode)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector sleeps at each end
	path, err := os.Executable()
	require.NoError(t, err)
	return process.Program{Name: "fake", Path: path}
}

func TestLifeOfAPeer(t *testing.T) {
	program := fake(t, "good")
	dir := filepath.Join(t.TempDir(), "peer")
	folder, err := program.Init(t.Context(), dir, process.Options{})
	require.NoError(t, err)

	export := filepath.Join(t.TempDir(), "export")
	require.NoError(t, os.WriteFile(export, []byte("pins"), 0o600))
	require.NoError(t, folder.Import(t.Context(), export))
	imported, err := os.ReadFile(filepath.Join(dir, "imported"))
	require.NoError(t, err)
	require.Equal(t, "pins", string(imported))

	for range 2 { // a folder can be started again
		peer, err := folder.Start(t.Context(), "")
		require.NoError(t, err)
		endpoint, err := folder.Endpoint("pinsvcapi")
		require.NoError(t, err)
		res, err := http.Get(endpoint.URL)
		require.NoError(t, err)
		res.Body.Close()
		require.Equal(t, http.StatusOK, res.StatusCode)
		memory, err := process.ReadMemory(peer.PID())
		require.NoError(t, err)
		require.Positive(t, memory.Resident)
		require.GreaterOrEqual(t, memory.Peak, memory.Resident)

		peer.Stop()
		peer.Stop()
		require.FileExists(t, filepath.Join(dir, "stopped"), "it was asked to end, not killed")
		require.Zero(t, peer.ExitCode())
		_, err = http.Get(endpoint.URL)
		require.Error(t, err)
	}

	other := fake(t, "good")
	require.Equal(t, dir, folder.With(other).Path())
	_, err = folder.With(other).Output(t.Context(), "state", "import", export)
	require.NoError(t, err)
	_, err = folder.With(other).Output(t.Context(), "state", "import", "not there")
	require.ErrorContains(t, err, "no such file")
}

func TestPeerEndsWithItsContext(t *testing.T) {
	program := fake(t, "good")
	dir := filepath.Join(t.TempDir(), "peer")
	folder, err := program.Init(t.Context(), dir, process.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	peer, err := folder.Start(ctx, "")
	require.NoError(t, err)
	cancel()
	peer.Stop()
	require.FileExists(t, filepath.Join(dir, "stopped"))
}

func TestFailuresTellWhatTheProgramSaid(t *testing.T) {
	_, err := fake(t, "broken init").Init(t.Context(), filepath.Join(t.TempDir(), "a"), process.Options{})
	require.ErrorContains(t, err, "init does not work")

	folder, err := fake(t, "broken state").Init(t.Context(), filepath.Join(t.TempDir(), "b"), process.Options{})
	require.NoError(t, err)
	require.ErrorContains(t, folder.Import(t.Context(), "x"), "state does not work")

	folder, err = fake(t, "broken daemon").Init(t.Context(), filepath.Join(t.TempDir(), "c"), process.Options{})
	require.NoError(t, err)
	_, err = folder.Start(t.Context(), "")
	require.ErrorContains(t, err, "daemon does not work")
}

func TestOptions(t *testing.T) {
	type object = map[string]any
	for name, tt := range map[string]struct {
		options process.Options
		want    func(object) any
		value   any
	}{
		"loopback only": {process.Options{},
			func(s object) any { return s["cluster"].(object)["listen_multiaddress"] },
			[]any{"/ip4/127.0.0.1/tcp/1234"}},
		"no search for peers": {process.Options{},
			func(s object) any { return s["cluster"].(object)["mdns_interval"] }, "0s"},
		"what init wrote stays": {process.Options{},
			func(s object) any { return s["consensus"].(object)["crdt"].(object)["batching"] },
			object{"max_batch_size": 7.0, "max_batch_age": "3ms"}},
		"large numbers stay": {process.Options{},
			func(s object) any { return s["datastore"].(object)["pebble"].(object)["cache_size_bytes"] }, 1073741824.0},
		"batching": {process.Options{BatchSize: 50, BatchAge: time.Second},
			func(s object) any { return s["consensus"].(object)["crdt"].(object)["batching"] },
			object{"max_batch_size": 50.0, "max_batch_age": "1s"}},
		"rebroadcast": {process.Options{Rebroadcast: 5 * time.Second},
			func(s object) any { return s["consensus"].(object)["crdt"].(object)["rebroadcast_interval"] }, "5s"},
		"secret": {process.Options{Secret: "def"},
			func(s object) any { return s["cluster"].(object)["secret"] }, "def"},
		"IPFS": {process.Options{IPFS: "/ip4/127.0.0.1/tcp/1", PinTimeout: time.Hour},
			func(s object) any { return s["ipfs_connector"].(object)["ipfshttp"] },
			object{"node_multiaddress": "/ip4/127.0.0.1/tcp/1", "pin_timeout": "1h0m0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "peer")
			_, err := fake(t, "good").Init(t.Context(), dir, tt.options)
			require.NoError(t, err)
			raw, err := os.ReadFile(filepath.Join(dir, "service.json"))
			require.NoError(t, err)
			var s object
			require.NoError(t, json.Unmarshal(raw, &s))
			require.Equal(t, tt.value, tt.want(s))
		})
	}
}

func TestWhatAFolderTells(t *testing.T) {
	folder, err := fake(t, "good").Init(t.Context(), filepath.Join(t.TempDir(), "peer"), process.Options{})
	require.NoError(t, err)
	require.Equal(t, "abc", folder.Secret())
	address, err := folder.Multiaddr()
	require.NoError(t, err)
	require.Equal(t, "/ip4/127.0.0.1/tcp/1234/p2p/12D3Koo", address)
	endpoint, err := folder.Endpoint("restapi")
	require.NoError(t, err)
	require.Equal(t, process.Endpoint{URL: "http://127.0.0.1:9094", User: "a", Password: "1"}, endpoint)
	_, err = folder.Endpoint("ipfsproxy")
	require.Error(t, err)
}

func TestProcessorTime(t *testing.T) {
	start, err := process.ReadProcessorTime(os.Getpid())
	require.NoError(t, err)
	now := start
	for begin := time.Now(); now == start && time.Since(begin) < time.Minute; { // each look costs some
		now, err = process.ReadProcessorTime(os.Getpid())
		require.NoError(t, err)
	}
	require.Greater(t, now, start)
	require.Less(t, now-start, time.Minute)
	_, err = process.ReadProcessorTime(0)
	require.Error(t, err)
}

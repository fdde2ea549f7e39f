package folder

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// TestEverythingIsToldAtOnce: mistakes in several sections, in the choice of
// components and in the identity.
func TestEverythingIsToldAtOnce(t *testing.T) {
	folder := newFolder(t, settings.Choice{})
	require.NoError(t, Check(folder, false))
	testfolder.Edit(t, folder, "5s", "api", "pinsvcapi", "read_timeot")
	testfolder.Edit(t, folder, "soon", "api", "restapi", "idle_timeout")
	testfolder.Edit(t, folder, "two", "cluster", "replication_factor_min")
	testfolder.Edit(t, folder, "hunter2", "cluster", "secret")
	testfolder.Edit(t, folder, []any{"nobody"}, "consensus", "crdt", "trusted_peers")
	testfolder.Edit(t, folder, "x", "ipfs_connector", "ipfshttp", "pin_timeout")
	testfolder.Edit(t, folder, map[string]any{}, "consensus", "raft")
	testfolder.Edit(t, folder, map[string]any{}, "datastore", "pebble")
	testfolder.Edit(t, folder, map[string]any{}, "informer")
	require.NoError(t, os.WriteFile(filepath.Join(folder, settings.IdentityFile), []byte(`{"id":"x","private_key":"hunter2"}`), 0o600))
	t.Setenv("CLUSTER_PEERADDRESSES", "nowhere")

	err := Check(folder, false)
	var found *settings.ValidationErrors
	require.ErrorAs(t, err, &found)
	lines := strings.Split(err.Error(), "\n")
	require.Equal(t, filepath.Join(folder, settings.File)+": 11 mistakes", lines[0])
	require.Equal(t, []string{
		`  api.pinsvcapi.read_timeot: unknown key, did you mean "read_timeout"?`,
		`  api.restapi.idle_timeout: "soon" is not a duration such as "30s" or "1h30m"`,
		`  cluster.replication_factor_min: must be a whole number, is a string`,
		"  cluster.secret: must be 64 hexadecimal digits, the same on all peers of the cluster (`openssl rand -hex 32` makes some)",
		`  consensus.crdt.trusted_peers: there is something that is not a peer ID`,
		`  ipfs_connector.ipfshttp.pin_timeout: "x" is not a duration such as "30s" or "1h30m"`,
		`  consensus: both crdt and raft are configured, remove one`,
		`  datastore: leveldb, pebble are all configured, keep one`,
		`  informer: none is configured, add one of disk, tags, pinqueue`,
		`  identity.json: id: "x" is not a peer ID`,
		`  identity.json: private_key: is not a private key in base64`,
	}, lines[1:])
	require.NotContains(t, err.Error(), "hunter2")
	require.ErrorContains(t, Check(folder, true), ": 10 mistakes", "unknown keys may be allowed")
}

func TestCheckOfABrokenFile(t *testing.T) {
	folder := newFolder(t, settings.Choice{})
	require.NoError(t, os.WriteFile(filepath.Join(folder, settings.File), []byte("{\n,"), 0o600))
	require.NoError(t, os.Remove(filepath.Join(folder, settings.IdentityFile)))
	err := Check(folder, false)
	require.ErrorContains(t, err, ": 2 mistakes\n  line 2: ")
	require.ErrorContains(t, err, "there is no identity.json in "+folder+": restore it from a backup")
	require.ErrorIs(t, Check(t.TempDir(), false), settings.ErrNoFolder)
	require.ErrorContains(t, Check(t.TempDir(), false), "'pinsvc init'")
}

func TestIdentityMistakes(t *testing.T) {
	folder, other := newFolder(t, settings.Choice{}), newFolder(t, settings.Choice{})
	path := filepath.Join(folder, settings.IdentityFile)
	mine, err := LoadIdentity(folder)
	require.NoError(t, err)
	theirs, err := LoadIdentity(other)
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var keys map[string]string
	require.NoError(t, json.Unmarshal(text, &keys))
	good := func(change string) string { return strings.ReplaceAll(string(text), mine.ID.String(), change) }
	for _, c := range []struct{ name, text, env, wants string }{
		{"not JSON", "{", "", "identity.json: not valid JSON"},
		{"nothing", "{}", "", "identity.json: private_key: is not a private key"},
		{"no peer ID", good("x"), "", `identity.json: id: "x" is not a peer ID`},
		{"no key", strings.ReplaceAll(string(text), keys["private_key"], "AAAA"), "", "identity.json: private_key: is not a libp2p private key"},
		{"another peer's ID", good(theirs.ID.String()), "", "identity.json: id: does not belong to the private key"},
		{"the environment", string(text), "nobody", `environment variable CLUSTER_ID: "nobody" is not a peer ID`},
		{"another one in the environment", string(text), theirs.ID.String(), "environment variable CLUSTER_ID: does not belong"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(idVariable, c.env)
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			err := Check(folder, false)
			require.ErrorContains(t, err, c.wants)
			require.ErrorContains(t, err, folder+": ")
			require.NotContains(t, err.Error(), keys["private_key"])
		})
	}
	t.Run("all of it in the environment", func(t *testing.T) {
		t.Setenv(idVariable, mine.ID.String())
		t.Setenv(keyVariable, keys["private_key"])
		require.NoError(t, os.WriteFile(path, []byte("{}"), 0o600))
		require.NoError(t, Check(folder, false))
	})
}

func TestEnvironmentMistakesAtOnce(t *testing.T) {
	folder := newFolder(t, settings.Choice{})
	for name, value := range map[string]string{
		"CLUSTER_PINSVCAPI_READTIMEOUT":      "soon",
		"CLUSTER_REPLICATIONFACTORMIN":       "two",
		"CLUSTER_SECRET":                     "hunter2",
		"CLUSTER_FOLLOWERMODE":               "perhaps",
		"CLUSTER_CONNECTIONMANAGER_LOWWATER": "few",
		"CLUSTER_CRDT_TRUSTEDPEERS":          "nobody",
		"CLUSTER_DISK_METRICTTL":             "5",
		"CLUSTER_METRICS_PROMETHEUSENDPOINT": "nowhere",
	} {
		t.Setenv(name, value)
	}
	err := Check(folder, false)
	const variable = ": environment variable "
	for _, want := range []string{
		`api.pinsvcapi.read_timeout` + variable + `CLUSTER_PINSVCAPI_READTIMEOUT: "soon" is not a duration`,
		`cluster` + variable + `CLUSTER_REPLICATIONFACTORMIN: "two" is not a number`,
		`cluster` + variable + `CLUSTER_SECRET: must be 64 hexadecimal digits`,
		`cluster` + variable + `CLUSTER_FOLLOWERMODE: "perhaps" is neither true nor false`,
		`cluster` + variable + `CLUSTER_CONNECTIONMANAGER_LOWWATER: "few" is not a number`,
		`consensus.crdt` + variable + `CLUSTER_CRDT_TRUSTEDPEERS: there is something that is not a peer ID`,
		`informer.disk` + variable + `CLUSTER_DISK_METRICTTL: is not a duration above zero`,
		`observations.metrics` + variable + `CLUSTER_METRICS_PROMETHEUSENDPOINT: "nowhere" is not a multiaddress`,
	} {
		require.ErrorContains(t, err, "\n  "+want)
	}
	require.ErrorContains(t, err, ": 8 mistakes")
	require.NotContains(t, err.Error(), "hunter2")
}

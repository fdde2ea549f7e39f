package peer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// isolate keeps the peers of a test off the usual ports and off the local
// network, whatever the caller's environment says.
func isolate(t testing.TB) {
	t.Helper()
	for name, value := range map[string]string{
		"CLUSTER_LISTENMULTIADDRESS":               "/ip4/127.0.0.1/tcp/0",
		"CLUSTER_MDNSINTERVAL":                     "0s",
		"CLUSTER_MONITORPINGINTERVAL":              "1s",
		"CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS": "/ip4/127.0.0.1/tcp/0",
		"CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS":   "/ip4/127.0.0.1/tcp/0",
		"CLUSTER_IPFSPROXY_LISTENMULTIADDRESS":     "/ip4/127.0.0.1/tcp/0",
		"CLUSTER_IPFSHTTP_CONNECTSWARMSDELAY":      "0s",
		"CLUSTER_CRDT_REBROADCASTINTERVAL":         "1s", // a lost announcement is repeated soon
		// Nobody answers there, and nobody has to.
		"CLUSTER_IPFSHTTP_NODEMULTIADDRESS":     "/ip4/127.0.0.1/tcp/1",
		"CLUSTER_EMBEDDED_LISTENMULTIADDRESSES": "/ip4/127.0.0.1/tcp/0",
		"CLUSTER_EMBEDDED_JOINDHT":              "false",
		"CLUSTER_EMBEDDED_NATPORTMAP":           "false",
		"CLUSTER_EMBEDDED_CONNECTSWARMSDELAY":   "0s",
		"CLUSTER_EMBEDDED_REQUESTTIMEOUT":       "5s",
	} {
		t.Setenv(name, value)
	}
}

// newFolder makes a peer's folder with the environment of isolate.
func newFolder(t testing.TB, o CreateOptions) string {
	t.Helper()
	isolate(t)
	folder := filepath.Join(t.TempDir(), "peer")
	if o.Consensus == "" {
		o.Consensus = "crdt"
	}
	if o.Datastore == "" {
		o.Datastore = "leveldb"
	}
	if o.IPFS == "" {
		o.IPFS = IPFSKubo
	}
	_, err := Create(folder, o)
	require.NoError(t, err)
	return folder
}

// edit changes service.json: each path is a list of keys and a value, or nil
// to remove what the keys lead to.
func edit(t *testing.T, folder string, value any, keys ...string) {
	t.Helper()
	path := filepath.Join(folder, settingsFile)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(text, &doc))
	at := doc
	for _, k := range keys[:len(keys)-1] {
		next, ok := at[k].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[k] = next
		}
		at = next
	}
	last := keys[len(keys)-1]
	if at[last] = value; value == nil {
		delete(at, last)
	}
	text, err = json.MarshalIndent(doc, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o600))
}

// section reads a part of service.json as it is on disk.
func section(t *testing.T, folder string, keys ...string) any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, settingsFile))
	require.NoError(t, err)
	var at any
	require.NoError(t, json.Unmarshal(text, &at))
	for _, k := range keys {
		at = at.(map[string]any)[k]
	}
	return at
}

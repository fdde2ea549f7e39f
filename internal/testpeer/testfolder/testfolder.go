// Package testfolder makes and changes the folders of peers for tests.
package testfolder

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	mh "github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// Choice completes a choice with what is quick to start: CRDT, LevelDB and a Kubo.
func Choice(c settings.Choice) settings.Choice {
	c.Consensus = cmp.Or(c.Consensus, "crdt")
	c.Datastore = cmp.Or(c.Datastore, "leveldb")
	c.IPFS = cmp.Or(c.IPFS, settings.IPFSKubo)
	return c
}

// Isolate keeps the peers of a test off the usual ports and off the local
// network, whatever the caller's environment says.
func Isolate(t testing.TB) {
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

// Edit changes service.json: each path is a list of keys and a value, or nil
// to remove what the keys lead to.
func Edit(t *testing.T, folder string, value any, keys ...string) {
	t.Helper()
	path := filepath.Join(folder, settings.File)
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

// Section reads a part of service.json as it is on disk.
func Section(t *testing.T, folder string, keys ...string) any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, settings.File))
	require.NoError(t, err)
	var at any
	require.NoError(t, json.Unmarshal(text, &at))
	for _, k := range keys {
		at = at.(map[string]any)[k]
	}
	return at
}

// Pins are an export: pins with everything that a pin can have.
func Pins(t *testing.T, n int) string {
	t.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	origin, err := api.NewMultiaddr("/ip4/192.0.2.1/tcp/4001/p2p/12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT")
	require.NoError(t, err)
	for i := range n {
		pin := api.PinWithOpts(api.NewCid(CID(t, fmt.Sprint("state ", i))), api.PinOptions{
			Name:                 fmt.Sprintf("näme %d", i),
			ReplicationFactorMin: 1,
			ReplicationFactorMax: 2,
			Metadata:             map[string]string{"k": fmt.Sprint(i)},
			Origins:              []api.Multiaddr{origin},
			ExpireAt:             time.Date(2100, 1, 1, 0, 0, i, 0, time.UTC),
		})
		pin.Timestamp = time.Date(2020, 1, 1, 0, 0, i, 0, time.UTC)
		require.NoError(t, enc.Encode(pin))
	}
	return out.String()
}

// Lines are those of an export in an order.
func Lines(export string) []string {
	all := strings.Split(strings.TrimSuffix(export, "\n"), "\n")
	slices.Sort(all)
	return all
}

// CID returns a CID that a text has.
func CID(t *testing.T, text string) cid.Cid {
	t.Helper()
	hash, err := mh.Sum([]byte(text), mh.SHA2_256, -1)
	require.NoError(t, err)
	return cid.NewCidV1(cid.Raw, hash)
}

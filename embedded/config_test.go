package embedded

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSection(t *testing.T) {
	s := NewSection()
	require.NoError(t, s.Validate())
	raw, err := s.ToJSON()
	require.NoError(t, err)
	var keys map[string]any
	require.NoError(t, json.Unmarshal(raw, &keys))
	for _, array := range []string{"listen_multiaddresses", "announce_multiaddresses", "bootstrap_multiaddresses"} {
		require.IsType(t, []any{}, keys[array], array)
	}

	again := NewSection()
	require.NoError(t, again.LoadJSON(raw))
	require.Equal(t, s.Value(), again.Value(), "what is written is read")

	require.NoError(t, again.LoadJSON([]byte(`{
		"listen_multiaddresses": ["/ip4/127.0.0.1/tcp/0"],
		"storage_max": "1.5GiB", "pin_timeout": "10s", "join_dht": false
	}`)))
	require.Equal(t, Size(1536<<20), again.Value().StorageMax)
	require.Len(t, again.Value().ListenMultiaddresses, 1)
	raw, err = again.ToJSON()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &keys))
	require.IsType(t, []any{}, keys["listen_multiaddresses"], "one address is an array, too")
	require.False(t, again.Value().JoinDHT)

	t.Setenv("CLUSTER_EMBEDDED_STORAGEMAX", "7GB")
	t.Setenv("CLUSTER_EMBEDDED_BOOTSTRAPMULTIADDRESSES", "/ip4/127.0.0.1/tcp/1/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN")
	require.NoError(t, again.ApplyEnvVars())
	require.Equal(t, Size(7e9), again.Value().StorageMax)
	require.Len(t, again.Value().BootstrapMultiaddresses, 1)
}

func TestSectionMistakes(t *testing.T) {
	for key, value := range map[string]string{
		"listen_multiaddresses":     `[]`,
		"bootstrap_multiaddresses":  `["/ip4/127.0.0.1/tcp/1"]`,
		"folder":                    `""`,
		"storage_max":               `"many"`,
		"verify_rate":               `"fast"`,
		"pin_timeout":               `"0s"`,
		"ipfs_request_timeout":      `"-1s"`,
		"connect_swarms_delay":      `"-1s"`,
		"blocks_in_flight":          `1`,
		"connections_low":           `0`,
		"connections_high":          `1`,
		"provide":                   `"everything"`,
		"reprovide_interval":        `"-1h"`,
		"informer_trigger_interval": `-1`,
		"no_such_key":               `1`,
	} {
		err := NewSection().LoadJSON([]byte(`{"` + key + `": ` + value + `}`))
		require.ErrorContains(t, err, "ipfs_connector.embedded."+key+":", key)
	}
	cfg := testConfig()
	cfg.PinTimeout = 0
	_, err := New(cfg, Options{})
	require.ErrorContains(t, err, "pin_timeout")
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1000": 1000, "1kB": 1000, "1 KiB": 1024, "10GB": 10e9, "1.5TB": 15e11, "2TiB": 2 << 40,
	} {
		var got Size
		require.NoError(t, got.UnmarshalText([]byte(text)))
		require.Equal(t, want, got, text)
		var again Size
		require.NoError(t, again.UnmarshalText([]byte(got.String())))
		require.Equal(t, got, again, "%s is written as %s", text, got)
	}
	kept := Size(5)
	require.NoError(t, kept.UnmarshalText(nil))
	require.Equal(t, Size(5), kept)
	require.Error(t, kept.UnmarshalText([]byte("-1GB")))
}

func TestConfigKey(t *testing.T) {
	n := startNode(t, storageMax(1e12, true))
	for key, want := range map[string]any{
		"Datastore/StorageMax": "1TB",
		"storage_max":          "1TB",
		"join_dht":             false,
		"blocks_in_flight":     float64(512),
	} {
		got, err := n.ConfigKey(key)
		require.NoError(t, err, key)
		require.Equal(t, want, got, key)
	}
	for _, key := range []string{"", "none", "folder/x", "Datastore/none"} {
		_, err := n.ConfigKey(key)
		require.Error(t, err, key)
	}
}

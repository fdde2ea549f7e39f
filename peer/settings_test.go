package peer

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/cmdutils"
	"github.com/stretchr/testify/require"
)

// libraryFolder makes a folder as ipfs-cluster-service does, with the library's
// own code.
func libraryFolder(t *testing.T, consensus, datastore string) string {
	t.Helper()
	isolate(t)
	folder := t.TempDir()
	h := cmdutils.NewConfigHelper(filepath.Join(folder, settingsFile), filepath.Join(folder, identityFile), consensus, datastore)
	defer func() { go h.Manager().Shutdown() }()
	require.NoError(t, h.Manager().Default())
	require.NoError(t, h.Identity().Default())
	require.NoError(t, h.SaveConfigToDisk())
	require.NoError(t, h.SaveIdentityToDisk())
	return folder
}

func TestLibraryFolderLoads(t *testing.T) {
	for _, c := range []struct{ consensus, datastore string }{
		{"crdt", "pebble"}, {"crdt", "badger3"}, {"crdt", "badger"}, {"crdt", "leveldb"}, {"raft", ""},
	} {
		t.Run(c.consensus+" "+c.datastore, func(t *testing.T) {
			folder := libraryFolder(t, c.consensus, c.datastore)
			s, err := LoadSettings(folder, false)
			require.NoError(t, err)
			defer s.Close()
			consensus, err := s.Consensus()
			require.NoError(t, err)
			require.Equal(t, c.consensus, consensus)
			_, enabled := s.PinningService()
			require.True(t, enabled)
			_, err = LoadIdentity(folder)
			require.NoError(t, err)
		})
	}
}

// TestWayBack: what we write, the library reads.
func TestWayBack(t *testing.T) {
	for _, c := range []struct{ consensus, datastore string }{
		{"crdt", "pebble"}, {"crdt", "badger3"}, {"crdt", "badger"}, {"crdt", "leveldb"}, {"raft", "pebble"},
	} {
		t.Run(c.consensus+" "+c.datastore, func(t *testing.T) {
			folder := newFolder(t, CreateOptions{Consensus: c.consensus, Datastore: c.datastore})
			h, err := cmdutils.NewLoadedConfigHelper(filepath.Join(folder, settingsFile), filepath.Join(folder, identityFile))
			defer func() { go h.Manager().Shutdown() }()
			require.NoError(t, err)
			require.Equal(t, c.consensus, h.GetConsensus())
			require.Len(t, h.Configs().Pinsvcapi.BasicAuthCredentials, 1)
			require.Equal(t, h.Configs().Pinsvcapi.BasicAuthCredentials, h.Configs().Restapi.BasicAuthCredentials)
		})
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		name  string
		value any
		keys  string
		wants string
	}{
		{"our unknown key", "5s", "api pinsvcapi read_timeot", "api.pinsvcapi.read_timeot"},
		{"our bad value", "soon", "api pinsvcapi read_timeout", "api.pinsvcapi.read_timeout"},
		{"our other section", "soon", "api restapi idle_timeout", "api.restapi.idle_timeout"},
		{"our wrong type", "many", "api restapi max_header_bytes", "api.restapi.max_header_bytes"},
		{"a type at the top", "two", "cluster replication_factor_min", "cluster.replication_factor_min"},
		{"a value at the top", []any{"nowhere"}, "cluster listen_multiaddress", "cluster.listen_multiaddress"},
		{"a key whose name the library hides", "many", "consensus crdt batching", "consensus.crdt.batching"},
		{"a peer that is none", []any{"nobody"}, "consensus crdt trusted_peers", "consensus.crdt.trusted_peers"},
		{"a value of a component", "nowhere", "ipfs_connector ipfshttp node_multiaddress", "ipfs_connector.ipfshttp.node_multiaddress"},
		{"an informer", "soon", "informer disk metric_ttl", "informer.disk.metric_ttl"},
		{"metrics", "nowhere", "observations metrics prometheus_endpoint", "observations.metrics.prometheus_endpoint"},
		{"the proxy", "nowhere", "api ipfsproxy listen_multiaddress", "api.ipfsproxy.listen_multiaddress"},
		{"a section that is no object", "text", "monitor pubsubmon", "monitor.pubsubmon"},
		{"keys that are wrong together", 3.0, "cluster replication_factor_min", "cluster.replication_factor_min"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := newFolder(t, CreateOptions{})
			edit(t, folder, c.value, strings.Fields(c.keys)...)
			_, err := LoadSettings(folder, false)
			require.ErrorContains(t, err, c.wants+": ")
			require.ErrorContains(t, err, filepath.Join(folder, settingsFile))
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	folder := newFolder(t, CreateOptions{})
	edit(t, folder, "soon", "api", "pinsvcapi", "read_timeout")
	edit(t, folder, "x", "api", "restapi", "unheard_of")
	edit(t, folder, "two", "cluster", "replication_factor_min")
	_, err := LoadSettings(folder, false)
	require.ErrorContains(t, err, "api.pinsvcapi.read_timeout")
	require.ErrorContains(t, err, "api.restapi.unheard_of")
	require.ErrorContains(t, err, "cluster.replication_factor_min")
}

// Keys that need each other are right, whatever else is wrong in their section.
func TestKeysThatBelongTogetherAreNotBlamed(t *testing.T) {
	folder := newFolder(t, CreateOptions{})
	edit(t, folder, 2.0, "cluster", "replication_factor_min")
	edit(t, folder, 3.0, "cluster", "replication_factor_max")
	edit(t, folder, "soon", "cluster", "state_sync_interval")
	_, err := LoadSettings(folder, false)
	require.ErrorContains(t, err, "cluster.state_sync_interval: ")
	require.NotContains(t, err.Error(), "replication_factor")

	edit(t, folder, 4.0, "cluster", "replication_factor_min")
	edit(t, folder, "5m", "cluster", "state_sync_interval")
	_, err = LoadSettings(folder, false)
	require.ErrorContains(t, err, "cluster.replication_factor_min: ")
	require.NotContains(t, err.Error(), "must be -1")

	edit(t, folder, "many", "cluster", "replication_factor_max")
	_, err = LoadSettings(folder, false)
	require.ErrorContains(t, err, "cluster.replication_factor_max: must be a whole number")
}

func TestUnknownKeysAllowed(t *testing.T) {
	folder := newFolder(t, CreateOptions{})
	edit(t, folder, "5s", "api", "pinsvcapi", "read_timeot")
	s, err := LoadSettings(folder, true)
	require.NoError(t, err)
	defer s.Close()
	require.Contains(t, strings.Join(s.Notices(), "\n"), "api.pinsvcapi.read_timeot")
}

func TestBrokenFiles(t *testing.T) {
	for _, c := range []struct{ name, text, wants string }{
		{"cut off", "{\n\"cluster\":\n", "line 3"},
		{"a comma too many", "{\n\"cluster\": {\n\"peername\": \"a\",\n}}", "line 4"},
		{"empty", "", "line 1"},
		{"no object", "[]", "no JSON object"},
		{"no cluster", "{}", "cluster"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, settingsFile)
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			_, err := LoadSettings(folder, false)
			require.ErrorContains(t, err, c.wants)
			require.ErrorContains(t, err, path)
		})
	}
	t.Run("missing", func(t *testing.T) {
		folder := t.TempDir()
		_, err := LoadSettings(folder, false)
		require.ErrorIs(t, err, ErrNoFolder)
		require.ErrorContains(t, err, folder)
	})
}

func TestEnvironment(t *testing.T) {
	folder := newFolder(t, CreateOptions{})
	t.Setenv("CLUSTER_PEERNAME", "from outside")
	t.Setenv("CLUSTER_RESTAPI_READTIMEOUT", "soon")
	t.Setenv("CLUSTER_REPLICATIONFACTORMIN", "two")
	_, err := LoadSettings(folder, false)
	require.ErrorContains(t, err, "api.restapi")
	require.ErrorContains(t, err, "READTIMEOUT")
	require.ErrorContains(t, err, "cluster: environment")

	t.Setenv("CLUSTER_RESTAPI_READTIMEOUT", "7s")
	t.Setenv("CLUSTER_REPLICATIONFACTORMIN", "-1")
	s, err := LoadSettings(folder, false)
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, "from outside", s.Cluster.Peername)
	require.Equal(t, "7s", s.Restapi.Value().ReadTimeout.String())
}

func TestChoiceOfComponents(t *testing.T) {
	for _, c := range []struct {
		name  string
		keys  string
		value any
		wants string
	}{
		{"two consensuses", "consensus raft", map[string]any{}, "both crdt and raft"},
		{"no consensus", "consensus", nil, "neither crdt nor raft"},
		{"two datastores", "datastore pebble", map[string]any{}, "leveldb, pebble are all configured"},
		{"no datastore", "datastore", nil, "none is configured"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := newFolder(t, CreateOptions{})
			edit(t, folder, c.value, strings.Fields(c.keys)...)
			err := ExportState(t.Context(), folder, &bytes.Buffer{})
			require.ErrorContains(t, err, c.wants)
		})
	}
}

func TestDisplayHidesSecrets(t *testing.T) {
	folder := newFolder(t, CreateOptions{})
	s, err := LoadSettings(folder, false)
	require.NoError(t, err)
	defer s.Close()
	shown, err := s.manager.ToDisplayJSON()
	require.NoError(t, err)
	for _, secret := range []string{
		s.Pinsvcapi.Value().BasicAuthCredentials[DefaultUser],
		section(t, folder, "cluster", "secret").(string),
	} {
		require.NotEmpty(t, secret)
		require.NotContains(t, string(shown), secret)
	}
}

package settings_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/cmdutils"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

func TestLibraryFolderLoads(t *testing.T) {
	for _, c := range []struct{ consensus, datastore string }{
		{"crdt", "pebble"}, {"crdt", "badger3"}, {"crdt", "badger"}, {"crdt", "leveldb"}, {"raft", ""},
	} {
		t.Run(c.consensus+" "+c.datastore, func(t *testing.T) {
			dir := libraryFolder(t, c.consensus, c.datastore)
			s, err := settings.Load(dir, false)
			require.NoError(t, err)
			defer s.Close()
			consensus, err := s.Consensus()
			require.NoError(t, err)
			require.Equal(t, c.consensus, consensus)
			_, enabled := s.PinningService()
			require.True(t, enabled)
			_, err = folder.LoadIdentity(dir)
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
			dir := newFolder(t, settings.Choice{Consensus: c.consensus, Datastore: c.datastore})
			h, err := cmdutils.NewLoadedConfigHelper(filepath.Join(dir, settings.File), filepath.Join(dir, settings.IdentityFile))
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
			dir := newFolder(t, settings.Choice{})
			testfolder.Edit(t, dir, c.value, strings.Fields(c.keys)...)
			_, err := settings.Load(dir, false)
			require.ErrorContains(t, err, c.wants+": ")
			require.ErrorContains(t, err, filepath.Join(dir, settings.File))
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	testfolder.Edit(t, dir, "soon", "api", "pinsvcapi", "read_timeout")
	testfolder.Edit(t, dir, "x", "api", "restapi", "unheard_of")
	testfolder.Edit(t, dir, "two", "cluster", "replication_factor_min")
	_, err := settings.Load(dir, false)
	require.ErrorContains(t, err, "api.pinsvcapi.read_timeout")
	require.ErrorContains(t, err, "api.restapi.unheard_of")
	require.ErrorContains(t, err, "cluster.replication_factor_min")
}

// Keys that need each other are right, whatever else is wrong in their section.
func TestKeysThatBelongTogetherAreNotBlamed(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	testfolder.Edit(t, dir, 2.0, "cluster", "replication_factor_min")
	testfolder.Edit(t, dir, 3.0, "cluster", "replication_factor_max")
	testfolder.Edit(t, dir, "soon", "cluster", "state_sync_interval")
	_, err := settings.Load(dir, false)
	require.ErrorContains(t, err, "cluster.state_sync_interval: ")
	require.NotContains(t, err.Error(), "replication_factor")

	testfolder.Edit(t, dir, 4.0, "cluster", "replication_factor_min")
	testfolder.Edit(t, dir, "5m", "cluster", "state_sync_interval")
	_, err = settings.Load(dir, false)
	require.ErrorContains(t, err, "cluster.replication_factor_min: ")
	require.NotContains(t, err.Error(), "must be -1")

	testfolder.Edit(t, dir, "many", "cluster", "replication_factor_max")
	_, err = settings.Load(dir, false)
	require.ErrorContains(t, err, "cluster.replication_factor_max: must be a whole number")
}

func TestUnknownKeysAllowed(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	testfolder.Edit(t, dir, "5s", "api", "pinsvcapi", "read_timeot")
	s, err := settings.Load(dir, true)
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
			dir := t.TempDir()
			path := filepath.Join(dir, settings.File)
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			_, err := settings.Load(dir, false)
			require.ErrorContains(t, err, c.wants)
			require.ErrorContains(t, err, path)
		})
	}
	t.Run("missing", func(t *testing.T) {
		dir := t.TempDir()
		_, err := settings.Load(dir, false)
		require.ErrorIs(t, err, settings.ErrNoFolder)
		require.ErrorContains(t, err, dir)
	})
}

func TestEnvironment(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	t.Setenv("CLUSTER_PEERNAME", "from outside")
	t.Setenv("CLUSTER_RESTAPI_READTIMEOUT", "soon")
	t.Setenv("CLUSTER_REPLICATIONFACTORMIN", "two")
	_, err := settings.Load(dir, false)
	require.ErrorContains(t, err, "api.restapi")
	require.ErrorContains(t, err, "READTIMEOUT")
	require.ErrorContains(t, err, "cluster: environment")

	t.Setenv("CLUSTER_RESTAPI_READTIMEOUT", "7s")
	t.Setenv("CLUSTER_REPLICATIONFACTORMIN", "-1")
	s, err := settings.Load(dir, false)
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
			dir := newFolder(t, settings.Choice{})
			testfolder.Edit(t, dir, c.value, strings.Fields(c.keys)...)
			err := folder.ExportState(t.Context(), dir, &bytes.Buffer{})
			require.ErrorContains(t, err, c.wants)
		})
	}
}

func TestDisplayHidesSecrets(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	s, err := settings.Load(dir, false)
	require.NoError(t, err)
	defer s.Close()
	shown, err := s.Display()
	require.NoError(t, err)
	for _, secret := range []string{
		s.Pinsvcapi.Value().BasicAuthCredentials[settings.DefaultUser],
		testfolder.Section(t, dir, "cluster", "secret").(string),
	} {
		require.NotEmpty(t, secret)
		require.NotContains(t, string(shown), secret)
	}
}

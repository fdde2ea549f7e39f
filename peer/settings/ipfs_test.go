package settings_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

func TestLibraryFolderUsesKubo(t *testing.T) {
	s, err := settings.Load(libraryFolder(t, "crdt", "pebble"), false)
	require.NoError(t, err)
	defer s.Close()
	got, err := s.IPFS()
	require.NoError(t, err)
	require.Equal(t, "ipfshttp", got)
}

// TestEmbeddedSection: what init writes has the arrays of addresses at its top,
// and a mistake names its key.
func TestEmbeddedSection(t *testing.T) {
	dir := newFolder(t, settings.Choice{IPFS: settings.IPFSEmbedded})
	for _, key := range []string{"listen_multiaddresses", "announce_multiaddresses", "bootstrap_multiaddresses"} {
		require.IsType(t, []any{}, testfolder.Section(t, dir, "ipfs_connector", "embedded", key))
	}
	require.NotContains(t, testfolder.Section(t, dir, "api"), "ipfsproxy", "it needs a Kubo")
	testfolder.Edit(t, dir, "much", "ipfs_connector", "embedded", "storage_max")
	testfolder.Edit(t, dir, true, "ipfs_connector", "embedded", "join_dth")
	_, err := settings.Load(dir, false)
	require.ErrorContains(t, err, "ipfs_connector.embedded.storage_max:")
	require.ErrorContains(t, err, "ipfs_connector.embedded.join_dth:")
}

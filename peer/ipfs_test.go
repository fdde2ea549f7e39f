package peer

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestIPFSSections: the sections that are there decide which node is used.
func TestIPFSSections(t *testing.T) {
	addresses := map[string]any{
		"node_multiaddress":   "/ip4/127.0.0.1/tcp/5001",
		"listen_multiaddress": "/ip4/127.0.0.1/tcp/9095",
	}
	for _, c := range []struct {
		name        string
		init        string
		add, remove string
		want, wrong string
	}{
		{name: "a new peer", init: IPFSEmbedded, want: "embedded"},
		{name: "a new peer with a Kubo", init: IPFSKubo, want: "ipfshttp"},
		{name: "no section", init: IPFSKubo, remove: "ipfs_connector", want: "ipfshttp"},
		{name: "both", init: IPFSEmbedded, add: "ipfs_connector ipfshttp", wrong: "remove ipfshttp"},
		{name: "the proxy", init: IPFSEmbedded, add: "api ipfsproxy", wrong: "remove the section api.ipfsproxy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := newFolder(t, CreateOptions{IPFS: c.init})
			if c.add != "" {
				edit(t, folder, addresses, strings.Fields(c.add)...)
			}
			if c.remove != "" {
				edit(t, folder, nil, c.remove)
			}
			s, err := LoadSettings(folder, false)
			require.NoError(t, err)
			defer s.Close()
			got, err := s.IPFS()
			if c.wrong == "" {
				require.NoError(t, err)
				require.Equal(t, c.want, got)
				return
			}
			require.ErrorContains(t, err, c.wrong)
			_, err = Start(t.Context(), Options{Folder: folder})
			require.ErrorContains(t, err, c.wrong)
		})
	}
}

// TestEmbeddedSection: what init writes has the arrays of addresses at its top,
// and a mistake names its key.
func TestEmbeddedSection(t *testing.T) {
	folder := newFolder(t, CreateOptions{IPFS: IPFSEmbedded})
	for _, key := range []string{"listen_multiaddresses", "announce_multiaddresses", "bootstrap_multiaddresses"} {
		require.IsType(t, []any{}, section(t, folder, "ipfs_connector", "embedded", key))
	}
	require.NotContains(t, section(t, folder, "api"), "ipfsproxy", "it needs a Kubo")
	edit(t, folder, "much", "ipfs_connector", "embedded", "storage_max")
	edit(t, folder, true, "ipfs_connector", "embedded", "join_dth")
	_, err := LoadSettings(folder, false)
	require.ErrorContains(t, err, "ipfs_connector.embedded.storage_max:")
	require.ErrorContains(t, err, "ipfs_connector.embedded.join_dth:")
}

func TestLibraryFolderUsesKubo(t *testing.T) {
	s, err := LoadSettings(libraryFolder(t, "crdt", "pebble"), false)
	require.NoError(t, err)
	defer s.Close()
	got, err := s.IPFS()
	require.NoError(t, err)
	require.Equal(t, "ipfshttp", got)
}

package peer

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
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
		{name: "a new peer", init: settings.IPFSEmbedded, want: "embedded"},
		{name: "a new peer with a Kubo", init: settings.IPFSKubo, want: "ipfshttp"},
		{name: "no section", init: settings.IPFSKubo, remove: "ipfs_connector", want: "ipfshttp"},
		{name: "both", init: settings.IPFSEmbedded, add: "ipfs_connector ipfshttp", wrong: "remove ipfshttp"},
		{name: "the proxy", init: settings.IPFSEmbedded, add: "api ipfsproxy", wrong: "remove the section api.ipfsproxy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := newFolder(t, settings.Choice{IPFS: c.init})
			if c.add != "" {
				testfolder.Edit(t, dir, addresses, strings.Fields(c.add)...)
			}
			if c.remove != "" {
				testfolder.Edit(t, dir, nil, c.remove)
			}
			s, err := settings.Load(dir, false)
			require.NoError(t, err)
			defer s.Close()
			got, err := s.IPFS()
			if c.wrong == "" {
				require.NoError(t, err)
				require.Equal(t, c.want, got)
				return
			}
			require.ErrorContains(t, err, c.wrong)
			_, err = Start(t.Context(), Options{Folder: dir})
			require.ErrorContains(t, err, c.wrong)
		})
	}
}

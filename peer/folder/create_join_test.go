package folder

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

func TestCreateWithPeers(t *testing.T) {
	const (
		one = "/ip4/192.0.2.1/tcp/9096/p2p/12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT"
		two = "/dns4/b.example.com/tcp/9096/p2p/12D3KooWGuwmbqJM5eKgAEGwCHsL3fiXUP9XRVXTd4rY4MLrCrzs"
	)
	peers := []multiaddr.Multiaddr{multiaddr.StringCast(one), multiaddr.StringCast(two)}
	ids := []any{"12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT", "12D3KooWGuwmbqJM5eKgAEGwCHsL3fiXUP9XRVXTd4rY4MLrCrzs"}
	for consensus, key := range map[string]string{"crdt": "trusted_peers", "raft": "init_peerset"} {
		t.Run(consensus, func(t *testing.T) {
			folder := newFolder(t, settings.Choice{Consensus: consensus, Peers: peers})
			require.Equal(t, ids, testfolder.Section(t, folder, "consensus", consensus, key))
			known, err := os.ReadFile(filepath.Join(folder, "peerstore"))
			require.NoError(t, err)
			require.ElementsMatch(t, []string{one, two}, strings.Fields(string(known)))
			info, err := os.Stat(filepath.Join(folder, "peerstore"))
			require.NoError(t, err)
			require.Zero(t, info.Mode().Perm()&0o022)
		})
	}
	_, err := Create(filepath.Join(t.TempDir(), "peer"), CreateOptions{Choice: settings.Choice{
		Consensus: "crdt", Datastore: "pebble", Peers: []multiaddr.Multiaddr{multiaddr.StringCast("/ip4/192.0.2.1/tcp/9096")},
	}})
	require.ErrorContains(t, err, "peers to begin with")
}

func TestCreateWithSecret(t *testing.T) {
	secret := strings.Repeat("c0ffee00", 8)
	folder := newFolder(t, settings.Choice{Secret: secret})
	require.Equal(t, secret, testfolder.Section(t, folder, "cluster", "secret"))

	t.Setenv("CLUSTER_SECRET", strings.Repeat("00", 32))
	folder = newFolder(t, settings.Choice{Secret: secret})
	require.Equal(t, secret, testfolder.Section(t, folder, "cluster", "secret"), "what was typed is the last word")

	for _, bad := range []string{"c0ffee", "nonsense", hex.EncodeToString(make([]byte, 33))} {
		_, err := Create(filepath.Join(t.TempDir(), "peer"), CreateOptions{Choice: settings.Choice{Consensus: "crdt", Datastore: "pebble", Secret: bad}})
		require.ErrorContains(t, err, "cluster.secret")
		require.NotContains(t, err.Error(), bad)
	}
}

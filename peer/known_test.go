package peer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// TestPeersThatAreDownAreKnown: also after the peer that knows them was
// restarted, and when it knows them from its peerstore only.
func TestPeersThatAreDownAreKnown(t *testing.T) {
	testfolder.Isolate(t)
	t.Setenv("CLUSTER_SECRET", strings.Repeat("cd", 32))
	t.Setenv("CLUSTER_MONITORPINGINTERVAL", "1s")
	dir := newFolder(t, settings.Choice{})
	one := startPeer(t, Options{Folder: dir, Connector: newMemory()})
	two := startPeer(t, Options{
		Folder: newFolder(t, settings.Choice{}), Connector: newMemory(),
		Bootstrap: []multiaddr.Multiaddr{multiaddr.StringCast(url(t, one, "cluster"))},
	})
	id := two.local.id
	waits := func(until func(*folder.KnownPeer) bool) (found folder.KnownPeer) {
		require.Eventually(t, func() bool {
			k, err := folder.ReadKnownPeers(dir)
			require.NoError(t, err)
			p := find(k, id)
			if p == nil || !until(p) {
				return false
			}
			found = *p
			require.Nil(t, find(k, one.local.id))
			return true
		}, patient, 20*time.Millisecond)
		return found
	}
	seen := waits(func(p *folder.KnownPeer) bool { return p.Seen })
	require.NotEmpty(t, seen.Name)
	require.NoError(t, two.Shutdown(t.Context()))
	down := waits(func(p *folder.KnownPeer) bool { return !p.Seen })
	require.WithinDuration(t, time.Now(), down.LastSeen, patient)

	require.NoError(t, one.Shutdown(t.Context()))
	again := startPeer(t, Options{Folder: dir, Connector: newMemory()})
	require.Equal(t, down.LastSeen, waits(func(*folder.KnownPeer) bool { return true }).LastSeen)
	require.NoError(t, again.Shutdown(t.Context()))

	require.NoError(t, folder.CleanState(t.Context(), dir))
	k, err := folder.ReadKnownPeers(dir)
	require.NoError(t, err)
	require.Empty(t, k.Peers)
	require.NoError(t, os.Remove(filepath.Join(dir, folder.KnownFile)))
	startPeer(t, Options{Folder: dir, Connector: newMemory()})
	require.True(t, waits(func(*folder.KnownPeer) bool { return true }).LastSeen.IsZero(), "from the peerstore")
}

func find(k folder.KnownPeers, id libp2p.ID) *folder.KnownPeer {
	for i := range k.Peers {
		if k.Peers[i].ID == id {
			return &k.Peers[i]
		}
	}
	return nil
}

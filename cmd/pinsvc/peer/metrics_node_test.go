package peer

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/embedded"
)

type fakeNode struct{ err error }

func (f fakeNode) RepoStat(context.Context) (api.IPFSRepoStat, error) {
	return api.IPFSRepoStat{RepoSize: 10, StorageMax: 100}, f.err
}
func (f fakeNode) SwarmPeers(context.Context) ([]peer.ID, error) { return make([]peer.ID, 3), f.err }
func (f fakeNode) Fetches() iter.Seq[embedded.Fetch] {
	return slices.Values([]embedded.Fetch{{Blocks: 5}, {Blocks: 2}})
}

func TestNodeMeter(t *testing.T) {
	m := newNodeMeter(fakeNode{})
	require.NoError(t, testutil.CollectAndCompare(m, strings.NewReader(`
# HELP pinsvc_embedded_fetches Pins that the embedded node is fetching.
# TYPE pinsvc_embedded_fetches gauge
pinsvc_embedded_fetches 2
# HELP pinsvc_embedded_fetching_blocks Blocks so far of the pins that are being fetched.
# TYPE pinsvc_embedded_fetching_blocks gauge
pinsvc_embedded_fetching_blocks 7
# HELP pinsvc_embedded_repository_bytes Size of the embedded node's blocks.
# TYPE pinsvc_embedded_repository_bytes gauge
pinsvc_embedded_repository_bytes 10
# HELP pinsvc_embedded_storage_limit_bytes What the blocks may become.
# TYPE pinsvc_embedded_storage_limit_bytes gauge
pinsvc_embedded_storage_limit_bytes 100
# HELP pinsvc_embedded_swarm_peers Peers that the embedded node is connected to.
# TYPE pinsvc_embedded_swarm_peers gauge
pinsvc_embedded_swarm_peers 3
`)))
	problems, err := testutil.CollectAndLint(m)
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Equal(t, 2, testutil.CollectAndCount(newNodeMeter(fakeNode{errors.New("stopping")})))
}

package metrics

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

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
func (f fakeNode) Health(context.Context) (embedded.Health, error) {
	return embedded.Health{
		Damaged: 1, Found: 3, Healed: 2, IncompletePins: 4, CheckedBlocks: 5, CheckedBytes: 6, Queued: 7,
		Share: 0.5, Ended: time.Unix(8, 0),
	}, f.err
}

func TestNodeMeter(t *testing.T) {
	m := NewNode(fakeNode{})
	require.NoError(t, testutil.CollectAndCompare(m, strings.NewReader(`
# HELP pinsvc_embedded_check_pass_ratio How much of the slow check's pass under way is done, from 0 to 1.
# TYPE pinsvc_embedded_check_pass_ratio gauge
pinsvc_embedded_check_pass_ratio 0.5
# HELP pinsvc_embedded_check_pass_timestamp_seconds When the slow check last completed a pass.
# TYPE pinsvc_embedded_check_pass_timestamp_seconds gauge
pinsvc_embedded_check_pass_timestamp_seconds 8
# HELP pinsvc_embedded_checked_blocks_total Blocks that checks have read and compared with their hashes.
# TYPE pinsvc_embedded_checked_blocks_total counter
pinsvc_embedded_checked_blocks_total 5
# HELP pinsvc_embedded_checked_bytes_total Bytes that checks have read.
# TYPE pinsvc_embedded_checked_bytes_total counter
pinsvc_embedded_checked_bytes_total 6
# HELP pinsvc_embedded_damaged_blocks Blocks that are known to be damaged and were not fetched again yet.
# TYPE pinsvc_embedded_damaged_blocks gauge
pinsvc_embedded_damaged_blocks 1
# HELP pinsvc_embedded_fetches Pins that the embedded node is fetching.
# TYPE pinsvc_embedded_fetches gauge
pinsvc_embedded_fetches 2
# HELP pinsvc_embedded_fetching_blocks Blocks so far of the pins that are being fetched.
# TYPE pinsvc_embedded_fetching_blocks gauge
pinsvc_embedded_fetching_blocks 7
# HELP pinsvc_embedded_found_damaged_blocks_total Blocks that were found damaged.
# TYPE pinsvc_embedded_found_damaged_blocks_total counter
pinsvc_embedded_found_damaged_blocks_total 3
# HELP pinsvc_embedded_healed_blocks_total Damaged blocks that were written anew.
# TYPE pinsvc_embedded_healed_blocks_total counter
pinsvc_embedded_healed_blocks_total 2
# HELP pinsvc_embedded_incomplete_pins Pins that lack blocks and count as not pinned.
# TYPE pinsvc_embedded_incomplete_pins gauge
pinsvc_embedded_incomplete_pins 4
# HELP pinsvc_embedded_queued_checks Pins that wait for a check of their blocks.
# TYPE pinsvc_embedded_queued_checks gauge
pinsvc_embedded_queued_checks 7
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
	require.Equal(t, 2, testutil.CollectAndCount(NewNode(fakeNode{errors.New("stopping")})))
}

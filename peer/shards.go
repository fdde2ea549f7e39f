package peer

import (
	"context"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/consensus/shards"
)

// newShards makes what keeps the parts of sharded adds together. It is used when
// the components that it calls are there.
func (b *builder) newShards() *shards.Keeper {
	b.shards = shards.New(shards.Options{
		Peer:     b.net.host.ID(),
		State:    func(ctx context.Context) (state.ReadOnly, error) { return b.consensus.State(ctx) },
		Block:    func(ctx context.Context, c api.Cid) ([]byte, error) { return b.connector.BlockGet(ctx, c) },
		Members:  func(ctx context.Context) ([]libp2p.ID, error) { return b.consensus.Peers(ctx) },
		Pin:      func(ctx context.Context, p api.Pin) error { return b.local.tracker.PinInCluster(ctx, p) },
		Unpin:    func(ctx context.Context, p api.Pin) error { return b.consensus.LogUnpin(ctx, p) },
		Follower: b.settings.Cluster.FollowerMode,
	})
	b.adds.Keeper = b.shards
	return b.shards
}

// shardedAdds are those of the REST API, which is there before the keeper, and
// answers when the peer is ready.
type shardedAdds struct{ *shards.Keeper }

// room says why there is no space on the disk for a pin.
func (p *Peer) room() error {
	if p.disk == nil {
		return nil
	}
	return p.disk.Room()
}

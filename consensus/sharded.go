package consensus

import (
	"context"
	"slices"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/consensus/shards"
)

// logShards stores a root of a sharded add, or a part.
func (c *Consensus) logShards(ctx context.Context, pin api.Pin) error {
	keeper := c.options.Shards
	id, pin := keeper.Claim(pin)
	root := pin.Type == api.MetaType
	if root && id != "" {
		if err := keeper.Complete(ctx, id); err != nil {
			return err
		}
	}
	var before api.Pin
	err := c.logPin(ctx, pin, func(stored api.Pin) api.Pin {
		before = stored
		return mergeShards(pin, stored)
	})
	if err != nil {
		return err
	}
	if root && before.Reference != nil && *before.Reference != *pin.Reference {
		keeper.Unrooted(before)
	}
	return nil
}

// logUnpin removes what is stored for a CID from the inner component. A part of
// a sharded add stays when it is needed: the library removes the parts of a root
// before the root, and does not look for other roots.
func (c *Consensus) logUnpin(ctx context.Context, pin, stored api.Pin) (content, error) {
	if c.options.Shards != nil && shards.IsPart(stored) {
		needed, err := c.options.Shards.Needed(ctx, stored)
		if err != nil {
			return "", err
		}
		if needed {
			return contentOf(stored)
		}
	}
	return nothing, c.insist(ctx, func() error { return c.Consensus.LogUnpin(ctx, pin) })
}

// mergeShards returns a shard pin as it is to be stored. Several roots may need
// a shard, and each has replication factors of its own: the largest count. A pin
// with smaller ones does not take the shard away from its peers.
func mergeShards(pin, stored api.Pin) api.Pin {
	if pin.Type != api.ShardType || stored.Type != api.ShardType || !stored.Defined() {
		return pin
	}
	least, most := pin.ReplicationFactorMin, pin.ReplicationFactorMax
	if larger(least, stored.ReplicationFactorMin) && larger(most, stored.ReplicationFactorMax) {
		return pin
	}
	if !larger(least, stored.ReplicationFactorMin) {
		least = stored.ReplicationFactorMin
	}
	if !larger(most, stored.ReplicationFactorMax) {
		most = stored.ReplicationFactorMax
	}
	pin.ReplicationFactorMin, pin.ReplicationFactorMax = least, most
	if pin.IsPinEverywhere() {
		pin.Allocations = nil
		return pin
	}
	pin.Allocations = slices.Clone(pin.Allocations)
	for _, id := range stored.Allocations {
		if len(pin.Allocations) >= most {
			break
		}
		if !slices.Contains[[]peer.ID](pin.Allocations, id) {
			pin.Allocations = append(pin.Allocations, id)
		}
	}
	return pin
}

// larger tells whether a replication factor is at least another one. Below zero
// it means every peer.
func larger(a, b int) bool { return a < 0 || b >= 0 && a >= b }

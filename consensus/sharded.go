package consensus

import (
	"context"
	"slices"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/consensus/shards"
)

// logShards stores the root or a part of a sharded add. A root is stored after its
// parts, so parts that other peers removed since then are pinned again before it.
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

// logUnpin removes a pin, unless it is a part of a sharded add that another root needs:
// the library removes the parts of a root before the root and ignores other roots.
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
	return nothing, c.retry(ctx, func() error { return c.Consensus.LogUnpin(ctx, pin) })
}

// mergeShards returns pin with the larger replication factors of pin and stored. Roots
// that share a shard may have different ones, and a smaller factor must not remove the
// shard from peers that another root needs.
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

// larger reports whether replication factor a is at least b. A negative one means every
// peer.
func larger(a, b int) bool { return a < 0 || b >= 0 && a >= b }

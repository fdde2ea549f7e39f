package shards

import (
	"context"
	"fmt"
	"strconv"

	"github.com/ipfs-cluster/ipfs-cluster/adder/sharding"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// links returns the shards of a cluster DAG in their order. Its blocks are read once: they
// are immutable.
func (k *Keeper) links(ctx context.Context, c api.Cid) ([]api.Cid, error) {
	k.mu.Lock()
	d, ok := k.index.dags[c]
	if ok && d.shards != nil {
		defer k.mu.Unlock()
		return d.shards, nil
	}
	k.mu.Unlock()
	shards, err := k.readLinks(ctx, c)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.index.linked(c, shards)
	return shards, nil
}

// readLinks reads the shards of a cluster DAG. A cluster DAG with more than
// sharding.MaxLinks shards has a level of inner nodes. They are recognised by their links:
// an inner node is not pinned, is full unless it is the last one, and links to shards.
func (k *Keeper) readLinks(ctx context.Context, c api.Cid) ([]api.Cid, error) {
	shards, err := k.readNode(ctx, c)
	if err != nil || len(shards) == 0 {
		return shards, err
	}
	if known, err := k.anyShard(ctx, shards); err != nil || known {
		return shards, err
	}
	// None of the links is a shard in the pinset: they are inner nodes, or all shards are lost.
	below, err := k.readNode(ctx, shards[0])
	if err != nil || len(below) != sharding.MaxLinks {
		return shards, nil // only full nodes are nodes in between
	}
	if known, err := k.anyShard(ctx, below); err != nil || !known {
		return shards, err
	}
	for _, node := range shards[1:] {
		more, err := k.readNode(ctx, node)
		if err != nil {
			return nil, err
		}
		below = append(below, more...)
	}
	return below, nil
}

// anyShard reports whether one of the CIDs is a shard in the state.
func (k *Keeper) anyShard(ctx context.Context, all []api.Cid) (bool, error) {
	st, err := k.options.State(ctx)
	if err != nil {
		return false, err
	}
	for _, c := range all {
		p, err := pinset.Stored(ctx, st, c)
		if err != nil || p.Type == api.ShardType && p.Defined() {
			return err == nil, err
		}
	}
	return false, nil
}

// readNode returns the links of one node of a cluster DAG, which is a map with
// the keys "0", "1" and so on.
func (k *Keeper) readNode(ctx context.Context, c api.Cid) ([]api.Cid, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	// Checked before the read: the CID comes from a pin, which may refer to anything.
	if c.Type() != cid.DagCBOR {
		return nil, fmt.Errorf("%s is not a cluster DAG", c)
	}
	raw, err := k.options.Block(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("reading the cluster DAG %s: %w", c, err)
	}
	node, err := sharding.CborDataToNode(raw, "cbor")
	if err != nil {
		return nil, fmt.Errorf("reading the cluster DAG %s: %w", c, err)
	}
	if node.Cid() != c.Cid {
		return nil, fmt.Errorf("the block of the cluster DAG %s is damaged", c)
	}
	out := make([]api.Cid, 0, len(node.Links()))
	for range node.Links() {
		link, _, err := node.ResolveLink([]string{strconv.Itoa(len(out))})
		if err != nil {
			return nil, fmt.Errorf("%s is not a cluster DAG: %w", c, err)
		}
		out = append(out, api.NewCid(link.Cid))
	}
	return out, nil
}

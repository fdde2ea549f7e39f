package shards

import (
	"context"
	"slices"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// foreignAge is how long ago a part without a root must have been written before
// a peer removes it that has not added it: the add may still be under way.
const foreignAge = 24 * time.Hour

// Sweep begins to check every root, and to remove parts that have been without
// one for long. It is called after See was called for the whole state.
func (k *Keeper) Sweep() {
	k.mu.Lock()
	k.scanned = true
	begin := !k.sweeping
	k.sweeping = true
	k.mu.Unlock()
	if !begin {
		return
	}
	k.goes(func() {
		k.sweep(k.ctx)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.sweeping = false
	})
}

func (k *Keeper) sweep(ctx context.Context) {
	k.mu.Lock()
	var roots, dags, shards []api.Cid
	for c := range k.index.roots {
		roots = append(roots, c)
		k.schedule(c, 0, false)
	}
	for c := range k.index.dags {
		dags = append(dags, c)
	}
	for c := range k.index.shards {
		shards = append(shards, c)
	}
	k.mu.Unlock()
	if k.options.Follower {
		return
	}
	for _, c := range slices.Concat(dags, shards) { // a cluster DAG needs its shards
		if ctx.Err() != nil {
			return
		}
		k.sweepPart(ctx, c)
	}
	for _, c := range roots {
		k.sweepExpired(ctx, c)
	}
}

// sweepPart removes a part when it has been without a root for long.
func (k *Keeper) sweepPart(ctx context.Context, c api.Cid) {
	p, err := k.stored(ctx, c)
	if err != nil {
		return
	}
	if !IsPart(p) {
		k.mu.Lock()
		k.index.forgetPart(c)
		k.mu.Unlock()
		return
	}
	needed, err := k.Needed(ctx, p)
	if err != nil {
		return
	}
	members, err := k.options.Members(ctx)
	if err != nil {
		return
	}
	if k.orphaned(p, needed, api.PeersToStrings(members)) {
		logger.Infof("no pin needs %s any more, a part of a sharded add: it is removed", c)
		k.unpin(ctx, c)
	}
}

// orphaned notes whether a part is needed, and tells whether it has been without
// a root for so long that this peer removes it.
func (k *Keeper) orphaned(p api.Pin, needed bool, members []string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	known := k.index.known(p)
	if needed {
		known.orphan = zeroTime
		return false
	}
	if known.orphan.IsZero() {
		known.orphan = time.Now()
		time.AfterFunc(k.options.OrphanAge, func() { k.goes(func() { k.sweepPart(k.ctx, p.Cid) }) })
	}
	if time.Since(known.orphan) < k.options.OrphanAge {
		return false
	}
	adder := p.Metadata[AdderKey]
	if adder == k.options.Peer.String() {
		return true
	}
	return !slices.Contains(members, adder) && time.Since(p.Timestamp) > foreignAge
}

// sweepExpired removes a root that has expired long ago. The cluster does so by
// itself, unless its cluster DAG cannot be read.
func (k *Keeper) sweepExpired(ctx context.Context, c api.Cid) {
	p, err := k.stored(ctx, c)
	if err != nil || !isRoot(p) || !p.ExpiredAt(time.Now().Add(-k.options.OrphanAge)) {
		return
	}
	logger.Infof("%s has expired, and the cluster has not removed it: it is removed", c)
	if err := k.options.Unpin(ctx, api.PinCid(c)); err != nil {
		logger.Warnf("removing an expired pin, tried again later: %s: %s", c, err)
	}
}

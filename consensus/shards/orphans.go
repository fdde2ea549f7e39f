package shards

import (
	"context"
	"slices"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// foreignAge is the age at which a part without a root is removed by peers that have not
// added it. A younger one may belong to an add in progress at another peer.
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
	k.spawn(func() {
		k.sweep(k.ctx)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.sweeping = false
	})
}

// sweep schedules the checks and removes orphans. A follower only checks.
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
	// A follower makes no writes, so it removes nothing.
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

// sweepPart removes a part that has had no root for OrphanAge. Errors are ignored: the next
// sweep tries again.
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

// orphaned records since when a part is not needed. It reports whether this peer should
// remove it: after OrphanAge if this peer has added it, and after foreignAge if the peer
// that has added it is not a member any more.
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
		// Sweeps are hours apart (pin_recover_interval), so each orphan gets a check of its own.
		time.AfterFunc(k.options.OrphanAge, func() { k.spawn(func() { k.sweepPart(k.ctx, p.Cid) }) })
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

// sweepExpired removes a root that expired more than OrphanAge ago. The library's cluster
// does that, unless the cluster DAG of the root cannot be read.
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

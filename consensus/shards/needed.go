package shards

import (
	"context"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

var zeroTime time.Time

// Needed reports whether a part must stay in the state: a cluster DAG while a root refers
// to it, a shard while a cluster DAG in the pinset links to it, and both while an add of
// this peer that has stored them is in progress. While a cluster DAG cannot be read, every
// shard that it may link to is needed, too. On an error the result is true.
func (k *Keeper) Needed(ctx context.Context, p api.Pin) (bool, error) {
	if err := k.scan(ctx); err != nil {
		return true, err
	}
	st, err := k.options.State(ctx)
	if err != nil {
		return true, err
	}
	// Claims are read after the state was opened and before roots: an add drops its
	// claim only when the state shows its root.
	k.mu.Lock()
	claimed := k.claimed(p.Cid)
	k.mu.Unlock()
	if claimed {
		return true, nil
	}
	if p.Type == api.ClusterDAGType {
		return k.rooted(ctx, st, p.Cid)
	}
	// A shard is needed if one cluster DAG of the pinset links to it.
	for _, c := range k.parents(p.Cid) {
		if alive, err := k.alive(ctx, st, c); err != nil || !alive {
			if err != nil {
				return true, err
			}
			continue
		}
		// A candidate from the index, or a cluster DAG that was never read: its links decide.
		shards, err := k.links(ctx, c)
		if err != nil {
			logger.Warnf("the shard %s stays: %s", p.Cid, err)
			return true, nil
		}
		for _, s := range shards {
			if s == p.Cid {
				return true, nil
			}
		}
	}
	return false, nil
}

// parents returns the cluster DAGs that link to a shard, and those that may.
func (k *Keeper) parents(shard api.Cid) (out []api.Cid) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.index.shard(shard).parents {
		out = append(out, c)
	}
	for c := range k.index.unread {
		out = append(out, c)
	}
	return out
}

// alive reports whether a cluster DAG is part of the pinset: it is pinned, or a root refers
// to it.
func (k *Keeper) alive(ctx context.Context, st state.ReadOnly, c api.Cid) (bool, error) {
	p, err := pinset.Stored(ctx, st, c)
	if err != nil || p.Defined() && p.Type == api.ClusterDAGType {
		return err == nil, err
	}
	return k.rooted(ctx, st, c)
}

// rooted reports whether a root in the state refers to a cluster DAG.
func (k *Keeper) rooted(ctx context.Context, st state.ReadOnly, c api.Cid) (bool, error) {
	k.mu.Lock()
	var roots []api.Cid
	if d, ok := k.index.dags[c]; ok {
		for r := range d.parents {
			roots = append(roots, r)
		}
	}
	k.mu.Unlock()
	for _, r := range roots {
		p, err := pinset.Stored(ctx, st, r)
		if err != nil {
			return true, err
		}
		if isRoot(p) && *p.Reference == c {
			return true, nil
		}
	}
	return false, nil
}

// scan fills the index from the whole state, unless that was done before.
func (k *Keeper) scan(ctx context.Context) error {
	k.scanning.Lock()
	defer k.scanning.Unlock()
	k.mu.Lock()
	done := k.scanned
	k.mu.Unlock()
	if done {
		return nil
	}
	st, err := k.options.State(ctx)
	if err != nil {
		return err
	}
	out := make(chan api.Pin, 1024)
	ended := make(chan error, 1)
	go func() { ended <- st.List(ctx, out) }()
	for p := range out { // to its end: List blocks until all its pins are taken
		k.See(p)
	}
	if err := <-ended; err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.scanned = true
	return ctx.Err()
}

// See adds a pin of the state to the index, unless it is an ordinary one.
func (k *Keeper) See(p api.Pin) {
	if p.Type == api.DataType {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.index.note(p)
}

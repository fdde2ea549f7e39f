package shards

import (
	"context"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"golang.org/x/sync/errgroup"
)

// collectWait is how long the removal of a root waits for that of its parts,
// which goes on after it.
const collectWait = 5 * time.Second

// Unrooted removes the parts of a root that the state does not have any more, or
// that refers to another cluster DAG now, unless they are needed. The root is
// given as it was.
func (k *Keeper) Unrooted(root api.Pin) {
	if !isRoot(root) {
		return
	}
	k.wait(func() { k.collect(*root.Reference) })
}

// wait runs f, and waits for it, but not for long.
func (k *Keeper) wait(f func()) {
	done := make(chan struct{})
	k.goes(func() {
		defer close(done)
		f()
	})
	timer := time.NewTimer(collectWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-k.ctx.Done():
	case <-timer.C:
	}
}

// collect removes a cluster DAG and its shards, unless they are needed.
func (k *Keeper) collect(dag api.Cid) {
	shards, err := k.links(k.ctx, dag)
	if err != nil {
		logger.Warnf("the shards of a pin that was removed are not known, they are removed later: %s", err)
	}
	k.unpin(k.ctx, dag) // first: while it is there, it needs its shards
	k.unpinAll(k.ctx, shards)
}

func (k *Keeper) unpinAll(ctx context.Context, parts []api.Cid) {
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, c := range parts {
		group.Go(func() error {
			k.unpin(ctx, c)
			return nil
		})
	}
	_ = group.Wait() // always nil
}

// unpin removes a part that is not needed. What fails is done by a later sweep.
func (k *Keeper) unpin(ctx context.Context, c api.Cid) {
	if err := k.options.Unpin(ctx, api.PinCid(c)); err != nil {
		logger.Warnf("removing a part of a sharded pin, tried again later: %s: %s", c, err)
		return
	}
	p, err := k.stored(ctx, c)
	if err == nil && !p.Defined() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.index.forgetPart(c)
	}
}

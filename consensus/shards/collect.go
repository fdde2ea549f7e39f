package shards

import (
	"context"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"golang.org/x/sync/errgroup"
)

// collectWait bounds how long the removal of a root waits for the removal of its parts,
// which continues in the background.
const collectWait = 5 * time.Second

// Unrooted is called after a root was removed, or has got another cluster DAG, with the pin
// of the root as it was before. It removes the parts of that pin that nothing else needs.
func (k *Keeper) Unrooted(root api.Pin) {
	if !isRoot(root) {
		return
	}
	k.wait(func() { k.collect(*root.Reference) })
}

// wait runs f in a goroutine, and waits for it for at most collectWait.
func (k *Keeper) wait(f func()) {
	done := make(chan struct{})
	k.spawn(func() {
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

// collect removes a cluster DAG and its shards, unless other roots need them.
func (k *Keeper) collect(dag api.Cid) {
	shards, err := k.links(k.ctx, dag)
	if err != nil {
		logger.Warnf("the shards of a pin that was removed are not known, they are removed later: %s", err)
	}
	k.unpin(k.ctx, dag) // first: as long as it exists, it needs its shards
	k.unpinAll(k.ctx, shards)
}

// unpinAll removes parts concurrently. A large add has thousands of shards, and each removal
// is a write to the consensus.
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

// unpin removes a part, which Options.Unpin refuses if it is needed. After a failure, a
// later sweep tries again.
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

package embedded

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
)

// collector collects garbage: mark what is needed, delete the rest. It takes
// no lock that a pin could want. What a pin in progress needs is safe by three
// means: what its walk has met before the collection began is in its job's list,
// which is marked; what it meets later is claimed at the guard; and what it will
// meet is mostly found by walking from its root as far as blocks are here.
type collector struct {
	store   *store
	pins    *pinset
	jobs    *inflight
	streams *streams
	locks   *keyLock
	running chan struct{} // full while a collection runs
	runs    atomic.Uint64 // collections that ended well
}

// incompleteError says that a recorded pin lacks a block. What hangs below that
// block is not known, so nothing may be deleted.
type incompleteError struct{ pin, block cid.Cid }

func (e *incompleteError) Error() string {
	return fmt.Sprintf("pin %s lacks block %s: nothing was collected; the pin has to be repaired or removed", e.pin, e.block)
}

// RepoGC deletes every block that no pin needs and reports them, as CIDv1 with
// the raw codec since the store knows blocks by multihash only. After an error
// the report has what was deleted until then. A block that could not be deleted
// is in the report with its error.
func (n *Node) RepoGC(ctx context.Context) (api.RepoGC, error) {
	report := api.RepoGC{Keys: []api.IPFSRepoGC{}}
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return report, err
	}
	defer leave()
	defer n.informers.trigger(ctx)
	err = n.gc.collect(ctx, func(c cid.Cid, err error) {
		freed := api.IPFSRepoGC{Key: api.NewCid(c)}
		if err != nil {
			freed.Error = err.Error()
		}
		report.Keys = append(report.Keys, freed)
	})
	return report, err
}

// since makes sure that a whole collection began after runs had that value.
func (g *collector) since(ctx context.Context, runs uint64) error {
	if g.runs.Load() > runs+1 {
		return nil
	}
	return g.collect(ctx, func(cid.Cid, error) {})
}

// collect runs one collection, after the one that is running. It calls freed
// for every block that it deleted or failed to delete.
func (g *collector) collect(ctx context.Context, freed func(cid.Cid, error)) error {
	select {
	case g.running <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-g.running }()

	g.store.guard.start()
	defer g.store.guard.stop()
	needed, err := g.mark(ctx)
	if err != nil {
		return err
	}
	if err := g.sweep(ctx, needed, freed); err != nil {
		return err
	}
	g.runs.Add(1)
	return nil
}

// mark finds what is needed. The order matters: a pin that is no longer in
// progress when the jobs are read is recorded when the records are read.
func (g *collector) mark(ctx context.Context) (*visited, error) {
	needed := newVisited(g.store.guard.hasher)
	jobs := g.jobs.all()
	for _, j := range jobs {
		j.mu.Lock()
		needed.merge(j.seen)
		j.mu.Unlock()
	}
	g.streams.mark(needed)
	w := &localWalk{store: g.store, seen: needed, visit: func(cid.Cid) error { return nil }}
	for _, j := range jobs {
		w.unread = func(cid.Cid, error) error { return nil } // the fetch's business
		if err := w.walk(ctx, j.root, j.depth); err != nil {
			return nil, err
		}
	}
	err := g.pins.each(ctx, func(c cid.Cid, depth int) error {
		w.unread = func(block cid.Cid, err error) error {
			if ipld.IsNotFound(err) {
				return &incompleteError{pin: c, block: block}
			}
			return fmt.Errorf("pin %s: %w", c, err)
		}
		return w.walk(ctx, c, depth)
	})
	var incomplete *incompleteError
	if errors.As(err, &incomplete) {
		err = errors.Join(err, g.denounce(ctx, incomplete))
	}
	return needed, err
}

// denounce makes an incomplete pin count as not pinned, so that the tracker
// pins it anew; unless somebody is at it, or has just completed it.
func (g *collector) denounce(ctx context.Context, e *incompleteError) error {
	unlock, ok := g.locks.try(e.pin)
	if !ok {
		return nil
	}
	defer unlock()
	here, err := g.store.Has(ctx, e.block)
	if err != nil || here {
		return err
	}
	return g.pins.setBroken(ctx, e.pin)
}

// sweep deletes what is not needed and not claimed.
func (g *collector) sweep(ctx context.Context, needed *visited, freed func(cid.Cid, error)) error {
	keys, err := g.store.AllKeysChan(ctx)
	if err != nil {
		return err
	}
	for c := range keys {
		if needed.has(g.store.guard.key(c.Hash())) {
			continue
		}
		deleted, err := g.store.guard.remove(c.Hash(), func() error {
			return g.store.DeleteBlock(ctx, c)
		})
		if deleted {
			freed(c, err)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

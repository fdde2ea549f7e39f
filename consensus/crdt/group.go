package crdt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs/go-datastore"
)

var errStopping = errors.New("the peer is shutting down")

// Batching is a consensus whose state can commit many writes at once.
type Batching interface {
	ipfscluster.Consensus
	// Batched waits for the state.
	Batched(context.Context) (state.BatchingState, error)
}

// Grouped is a CRDT consensus where a write returns when it is committed and on
// disk: one commit, and one sync of the datastore, takes all writes that wait,
// so the more there are, the fewer commits there are for other peers to fetch.
//
// In crdt.batching, max_batch_size bounds the writes of a commit and
// max_batch_age how long a write waits for others. When either is zero, each
// write is a commit of its own, and is not synced.
type Grouped struct {
	Batching

	limits  crdt.BatchingConfig
	store   datastore.Datastore      // synced after each commit
	Marked  func(func() error) error // runs a cleanup that is completed after a kill; nil: as it is
	changes chan *change

	ready chan struct{} // closed when state is set
	state state.ReadOnly

	life context.Context // ends with Shutdown
	end  context.CancelFunc
	work sync.WaitGroup
}

// change is one write that waits for its commit.
type change struct {
	apply func(state.BatchingState) error
	done  chan error // buffered
}

// NewGrouped takes over a component that was made on store and that nobody else
// uses.
func NewGrouped(inner Batching, limits crdt.BatchingConfig, store datastore.Datastore) *Grouped {
	g := &Grouped{
		Batching: inner,
		limits:   limits,
		store:    store,
		changes:  make(chan *change),
		ready:    make(chan struct{}),
	}
	g.life, g.end = context.WithCancel(context.Background())
	g.work.Go(g.run)
	return g
}

// Ready implements ipfscluster.Consensus.
func (g *Grouped) Ready(context.Context) <-chan struct{} { return g.ready }

// State implements ipfscluster.Consensus.
func (g *Grouped) State(ctx context.Context) (state.ReadOnly, error) {
	select {
	case <-g.ready:
		return g.state, nil
	case <-g.life.Done():
		return nil, errStopping
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// LogPin stores a pin, and returns when it is committed.
func (g *Grouped) LogPin(ctx context.Context, pin api.Pin) error {
	if !g.Enabled() {
		return g.Batching.LogPin(ctx, pin)
	}
	return g.commit(func(s state.BatchingState) error { return s.Add(context.WithoutCancel(ctx), pin) })
}

// LogUnpin removes a pin, and returns when that is committed.
func (g *Grouped) LogUnpin(ctx context.Context, pin api.Pin) error {
	if !g.Enabled() {
		return g.Batching.LogUnpin(ctx, pin)
	}
	return g.commit(func(s state.BatchingState) error { return s.Rm(context.WithoutCancel(ctx), pin.Cid) })
}

// Shutdown commits what waits and stops the component.
func (g *Grouped) Shutdown(ctx context.Context) error {
	g.end()
	g.work.Wait()
	return g.Batching.Shutdown(ctx)
}

// Clean removes the pinset from the store.
func (g *Grouped) Clean(ctx context.Context) error {
	if g.Marked == nil {
		return g.Batching.Clean(ctx)
	}
	return g.Marked(func() error { return g.Batching.Clean(ctx) })
}

// Enabled tells whether writes are grouped, and so are on disk when they return.
func (g *Grouped) Enabled() bool {
	return g.limits.MaxBatchSize > 0 && g.limits.MaxBatchAge > 0
}

// commit hands a change to the loop and waits for it.
func (g *Grouped) commit(apply func(state.BatchingState) error) error {
	c := &change{apply: apply, done: make(chan error, 1)}
	select {
	case g.changes <- c:
		return <-c.done
	case <-g.life.Done():
		return errStopping
	}
}

// run is the one goroutine that writes to the batching state.
func (g *Grouped) run() {
	batch, err := g.Batched(g.life)
	// Writers get errStopping from commit.
	if err != nil {
		return // it is stopped before it was ready
	}
	g.state = batch
	close(g.ready)
	g.loop(batch)
}

// loop commits batches until Shutdown. Each batch waits for as many writes as there were
// writers in the last round (just answered plus queued since), so a lone writer never
// waits and concurrent writers share one commit. For the same reason a batch begins only
// when the last one is on disk: writes that arrive during the sync share the next commit.
func (g *Grouped) loop(batch state.BatchingState) {
	var waiting []*change
	writers := 1
	for {
		if len(waiting) == 0 {
			select {
			case c := <-g.changes:
				waiting = append(waiting, c)
			case <-g.life.Done():
				return
			}
		}
		all := g.gather(waiting, writers)
		g.answer(all, commitAll(batch, all))
		waiting = g.drain(nil)
		writers = len(all) + len(waiting)
	}
}

// gather collects writes until there are as many as wanted, or until max_batch_age has
// passed.
func (g *Grouped) gather(waiting []*change, wanted int) []*change {
	age := time.NewTimer(g.limits.MaxBatchAge)
	defer age.Stop()
	wanted = min(wanted, g.limits.MaxBatchSize)
	for len(waiting) < wanted {
		select {
		case c := <-g.changes:
			waiting = append(waiting, c)
		case <-age.C:
			return waiting
		case <-g.life.Done():
			return waiting
		}
	}
	return g.drain(waiting)
}

// drain adds the writes that wait now, up to max_batch_size.
func (g *Grouped) drain(waiting []*change) []*change {
	for len(waiting) < g.limits.MaxBatchSize {
		select {
		case c := <-g.changes:
			waiting = append(waiting, c)
		default:
			return waiting
		}
	}
	return waiting
}

// commitAll applies all changes, commits them at once and returns the error of each. A
// change that fails does not affect the others.
func commitAll(batch state.BatchingState, all []*change) []error {
	errs := make([]error, len(all))
	for i, c := range all {
		errs[i] = c.apply(batch)
	}
	// Not a writer's context: the commit is for all of them.
	failed := batch.Commit(context.Background())
	for i := range errs {
		errs[i] = errors.Join(errs[i], failed)
	}
	return errs
}

// answer syncs the datastore and returns the result to the writers. Without the sync, some
// datastores lose committed writes when the process is killed.
func (g *Grouped) answer(all []*change, errs []error) {
	failed := g.store.Sync(context.Background(), datastore.NewKey("/"))
	if failed != nil {
		failed = fmt.Errorf("syncing the datastore: %w", failed)
	}
	for i, c := range all {
		c.done <- errors.Join(errs[i], failed)
	}
}

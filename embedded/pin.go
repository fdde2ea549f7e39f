package embedded

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/observations"
	"github.com/ipfs/go-cid"
	"go.opencensus.io/stats"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

var errUnpinned = errors.New("the pin was removed meanwhile")

// ErrPreempted is the cause with which the context of a Pin is cancelled that
// will be called again. The blocks that it has fetched are written, and kept from
// garbage collections until the next Pin or Unpin of the CID, or Shutdown.
var ErrPreempted = errors.New("the attempt gave way to other pins, and will be repeated")

// Pin makes sure that the DAG is here as deep as pin.MaxDepth says and that the
// pin is recorded; both are on disk when it returns. It dials pin.Origins in
// the background. The error says why a pin could not be completed: the storage
// limit (ErrStorageFull), no progress for the pin timeout, or ctx. What was
// fetched until then is there for the next attempt, until a garbage collection.
func (n *Node) Pin(ctx context.Context, pin api.Pin) error {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	root, depth := pin.Cid.Cid, int(pin.MaxDepth)
	if !root.Defined() {
		return errors.New("pin without a CID")
	}
	unlock, err := n.locks.lock(ctx, root)
	if err != nil {
		return err
	}
	defer unlock()

	old, pinned, err := n.pins.get(ctx, root)
	if err != nil {
		return err
	}
	if pinned && old == max(depth, recursive) {
		n.checker.enqueue(root)
		return nil
	}
	if err := n.repo.Room(); err != nil {
		return err
	}
	stats.Record(ctx, observations.PinsPinAdd.M(1))
	n.informers.trigger(ctx)
	defer n.informers.trigger(ctx)
	if err := n.pinNow(ctx, pin, max(depth, recursive)); err != nil {
		if !errors.Is(err, ErrPreempted) {
			stats.Record(ctx, observations.PinsPinAddError.M(1))
		}
		return err
	}
	logger.Debugf("pinned %s", root)
	return nil
}

// pinNow fetches and records, under the CID's lock.
func (n *Node) pinNow(ctx context.Context, pin api.Pin, depth int) (err error) {
	root := pin.Cid.Cid
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	job := n.jobs.add(root, depth, cancel)
	defer func() { n.jobs.remove(job, err != nil && preempted(ctx)) }()

	// An older record of another depth must not pass for this pin, not even
	// after a crash.
	if old, found, err := n.pins.recorded(ctx, root); err != nil {
		return err
	} else if found {
		job.repair = old == depth
		if err := n.pins.setBroken(ctx, root, cid.Undef); err != nil {
			return err
		}
	}
	defer n.net.DialOrigins(ctx, pin.Origins)()
	if err := n.fetch(ctx, job); err != nil {
		return err
	}
	if err := n.pins.set(ctx, root, depth); err != nil {
		return err
	}
	if n.cfg.Provide == provideRoots {
		n.provider.Provide(root)
	}
	// The blocks of a new upload were written just now.
	if job.unread && !n.streams.has(root) || n.store.Damaged.Size.Load() > 0 {
		n.checker.enqueue(root)
	}
	return nil
}

// preempted reports whether a context ended with ErrPreempted.
func preempted(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), ErrPreempted)
}

// fetch brings the job's DAG into the store. When the store is full it collects
// garbage, if configured, and goes on.
func (n *Node) fetch(ctx context.Context, job *job) error {
	runs := n.gc.runs.Load()
	err := n.fetchOnce(ctx, job)
	if !errors.Is(err, storage.ErrStorageFull) || !n.cfg.GCWhenFull {
		return err
	}
	if gcErr := n.gc.since(ctx, runs); gcErr != nil {
		logger.Warnf("garbage collection of the full store: %s", gcErr)
		return fmt.Errorf("%w, and garbage collection makes no room: %w", err, gcErr)
	}
	job.restart()
	return n.fetchOnce(ctx, job)
}

func (n *Node) fetchOnce(ctx context.Context, job *job) error {
	timeout := n.cfg.PinTimeout.Std()
	defer job.watch(timeout)()
	f := &fetcher{
		job:      job,
		store:    n.store,
		put:      n.fetchedBlocks,
		exchange: n.net.Exchange,
		window:   window{max: n.cfg.BlocksInFlight},
		pins:     n.jobs.count,
		patience: defaultPatience,
	}
	if n.cfg.Provide == providePinned {
		f.onBlock = n.provider.Provide
	}
	if job.repair {
		f.put = n.repairedBlocks
	}
	err := f.run(ctx)
	job.unread = f.unread.Load()
	if errors.Is(err, errStalled) {
		state := job.state()
		here := fmt.Sprintf("%d blocks (%s) are here", state.Blocks, humanize.IBytes(state.Bytes))
		if state.Blocks == 1 {
			here = fmt.Sprintf("1 block (%s) is here", humanize.IBytes(state.Bytes))
		}
		return fmt.Errorf("timed out: no block arrived for %s: %s, %s", timeout, here, f.missing())
	}
	return err
}

// Unpin removes the record of a pin of any depth; its blocks stay until a
// garbage collection. A pin in progress is given up. No record is no error.
func (n *Node) Unpin(ctx context.Context, c api.Cid) error {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if n.cfg.UnpinDisable {
		return errors.New("unpinning is disabled by configuration (unpin_disable)")
	}
	if err := n.repo.Room(); err != nil {
		return err
	}
	n.jobs.stop(c.Cid, errUnpinned)
	unlock, err := n.locks.lock(ctx, c.Cid)
	if err != nil {
		return err
	}
	defer unlock()
	n.jobs.forget(c.Cid)
	if err := n.pins.remove(ctx, c.Cid); err != nil {
		return err
	}
	logger.Debugf("unpinned %s", c)
	return nil
}

// Progress tells how many blocks and bytes of a pin in progress are here; ok is
// false when c is not being pinned right now. It is cheap and never waits.
func (n *Node) Progress(c cid.Cid) (blocks, bytes uint64, ok bool) {
	state, ok := n.jobs.get(c)
	return state.Blocks, state.Bytes, ok
}

// Fetches lists the pins in progress, the oldest first.
func (n *Node) Fetches() iter.Seq[Fetch] {
	jobs := n.jobs.all()
	slices.SortFunc(jobs, func(a, b *job) int { return a.started.Compare(b.started) })
	return func(yield func(Fetch) bool) {
		for _, j := range jobs {
			if !yield(j.state()) {
				return
			}
		}
	}
}

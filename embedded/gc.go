package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// collector collects garbage: mark what is needed, delete the rest. It takes
// no lock that a pin could want. What a pin in progress needs is safe by three
// means: what its walk has met before the collection began is in its job's list,
// which is marked; what it meets later is claimed (storage.Claims); and what it will
// meet is mostly found by walking from its root as far as blocks are here.
type collector struct {
	store   *storage.Store
	pins    *pinset
	jobs    *inflight
	streams *streams
	checker *checker
	running chan struct{} // full while a collection runs
	runs    atomic.Uint64 // collections that ended well

	// blockedBy are the gaps that kept the last collection from deleting
	// anything.
	blockedBy atomic.Pointer[[]gap]
}

// incompleteError says that pins lack blocks. What hangs below these blocks is
// not known, so nothing may be deleted.
type incompleteError struct{ gaps []gap }

// gapsNamed is how many gaps an incompleteError names.
const gapsNamed = 10

func (e *incompleteError) Error() string {
	named := make([]string, 0, gapsNamed)
	for _, g := range e.gaps[:min(len(e.gaps), gapsNamed)] {
		named = append(named, g.String())
	}
	more := ""
	if n := len(e.gaps) - len(named); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("nothing was collected, since what hangs below missing or damaged blocks is not known: %s%s; "+
		"these pins are repaired, or have to be removed", strings.Join(named, "; "), more)
}

// RepoGC deletes every block that no pin needs and reports them, as CIDv1 with
// the raw codec since the store knows blocks by multihash only. After an error
// the report has what was deleted until then. A block that could not be deleted
// is in the report with its error. When pins lack blocks, nothing is deleted, their
// repair begins, and the report's own error names them.
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
	if errors.Is(err, errGap) {
		report.Error = err.Error()
		return report, nil
	}
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

	g.store.Claims.Start()
	defer g.store.Claims.Stop()
	needed, refused, err := g.mark(ctx)
	if err != nil {
		return g.explain(ctx, err)
	}
	g.blockedBy.Store(nil)
	for _, gap := range refused {
		if err := g.checker.denounce(ctx, gap); err != nil {
			return err
		}
	}
	if err := g.sweep(ctx, needed, freed); err != nil {
		return err
	}
	g.runs.Add(1)
	return nil
}

// mark finds what is needed. The order matters: a pin that is no longer in
// progress when the jobs are read is recorded when the records are read. It also
// returns the gaps of recorded pins that are blocks whose codec refuses them: they
// keep what they may link to.
func (g *collector) mark(ctx context.Context) (*storage.Visited, []gap, error) {
	needed := storage.NewVisited(g.store.Claims.Hasher)
	jobs := g.jobs.needed()
	for _, j := range jobs {
		j.mu.Lock()
		needed.Merge(j.seen)
		j.mu.Unlock()
	}
	g.streams.mark(needed)
	var refused []cid.Cid
	var gaps []gap
	w := &localWalk{store: g.store, seen: needed, visit: func(cid.Cid) error { return nil }}
	for _, j := range jobs {
		w.unread = func(c cid.Cid, err error) error {
			if errors.As(err, new(*storage.RefusedError)) {
				refused = append(refused, c) // the pin is about to fail
				return nil
			}
			if ipld.IsNotFound(err) && !errors.As(err, new(*storage.DamagedError)) {
				return nil // the fetch brings it
			}
			return fmt.Errorf("%w: %w", errGap, err)
		}
		if err := w.walk(ctx, j.root, j.depth); err != nil {
			return nil, nil, err
		}
	}
	err := g.pins.each(ctx, func(c cid.Cid, depth int) error {
		w.unread = func(at cid.Cid, err error) error {
			var wrong *storage.RefusedError
			if errors.As(err, &wrong) {
				refused = append(refused, at)
				gaps = append(gaps, gap{pin: c, depth: depth, block: at, refused: wrong})
				return nil
			}
			if ipld.IsNotFound(err) {
				return fmt.Errorf("pin %s: %w: %w", c, errGap, err)
			}
			return fmt.Errorf("pin %s: %w", c, err)
		}
		return w.walk(ctx, c, depth)
	})
	if err == nil { // at last, so that a link that is certain counts as one
		err = g.markLenient(ctx, refused, needed)
	}
	return needed, gaps, err
}

// errGap is in the error of a mark that met a damaged block, or misses one.
var errGap = errors.New("nothing was collected")

// Unwrap makes an incompleteError an errGap.
func (e *incompleteError) Unwrap() error { return errGap }

// explain finds all pins that lack blocks, once a mark has met one, and has them
// repaired. It returns why nothing was collected.
func (g *collector) explain(ctx context.Context, err error) error {
	if !errors.Is(err, errGap) {
		return err
	}
	gaps, failed := g.checker.findGaps(ctx, unpaced)
	if failed != nil {
		return errors.Join(err, failed)
	}
	gaps = slices.DeleteFunc(gaps, func(g gap) bool { return g.refused != nil })
	if len(gaps) == 0 { // of a pin in progress, or filled meanwhile
		logger.Warnf("garbage collection: %s", err)
		return err
	}
	g.blockedBy.Store(&gaps)
	err = &incompleteError{gaps}
	logger.Warnf("garbage collection: %s", err)
	return err
}

// sweep deletes what is not needed and not claimed.
func (g *collector) sweep(ctx context.Context, needed *storage.Visited, freed func(cid.Cid, error)) error {
	keys, err := g.store.AllKeysChan(ctx)
	if err != nil {
		return err
	}
	for c := range keys {
		if needed.Has(g.store.Claims.Key(c.Hash())) {
			continue
		}
		deleted, err := g.store.Claims.Remove(c.Hash(), func() error {
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

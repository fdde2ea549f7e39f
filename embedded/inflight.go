package embedded

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// errStalled is the cause of a job's end when nothing arrived for too long.
var errStalled = errors.New("no progress")

// Fetch tells how far a pin in progress is.
type Fetch struct {
	Cid     cid.Cid
	Blocks  uint64 // blocks of the DAG that are here so far, fetched or found
	Bytes   uint64 // their size
	Started time.Time
}

// job is a pin in progress.
type job struct {
	root    cid.Cid
	depth   int
	started time.Time
	cancel  context.CancelCauseFunc
	blocks  atomic.Uint64
	bytes   atomic.Uint64
	last    atomic.Int64  // time of the last progress, since started
	repair  bool          // of a recorded pin that lost blocks; set before the walk
	unread  bool          // the walk took blocks for here without reading them; set after it
	ended   chan struct{} // closed when the pin is not in progress any more
	hints   atomic.Int32  // how often origins were added

	mu   sync.Mutex
	seen *storage.Visited
}

// enter notes a node before the walk relies on its block in any way.
func (j *job) enter(c cid.Cid, left int32) (first, follow bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seen.Enter(c, left)
}

// got counts a block.
func (j *job) got(size int) {
	j.blocks.Add(1)
	j.bytes.Add(uint64(size))
	j.touch()
}

// touch notes progress.
func (j *job) touch() { j.last.Store(int64(time.Since(j.started))) }

// watch cancels the job with errStalled when there is no progress for that
// long, until stop is called.
func (j *job) watch(timeout time.Duration) (stop func()) {
	j.touch()
	done := make(chan struct{})
	go func() {
		for wait := timeout; ; {
			select {
			case <-time.After(wait):
			case <-done:
				return
			}
			idle := time.Since(j.started) - time.Duration(j.last.Load())
			if idle >= timeout {
				j.cancel(errStalled)
				return
			}
			wait = timeout - idle
		}
	}()
	return func() { close(done) }
}

// restart forgets what was seen and counted, for another walk.
func (j *job) restart() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen = storage.NewVisited(j.seen.Hash)
	j.blocks.Store(0)
	j.bytes.Store(0)
}

func (j *job) state() Fetch {
	return Fetch{Cid: j.root, Blocks: j.blocks.Load(), Bytes: j.bytes.Load(), Started: j.started}
}

// inflight is the register of pins in progress, at most one for a CID.
type inflight struct {
	mu   sync.Mutex
	jobs map[cid.Cid]*job
	kept map[cid.Cid]*job // preempted, with nothing but root and depth
	hash storage.Hasher
}

func newInflight(h storage.Hasher) *inflight {
	return &inflight{jobs: make(map[cid.Cid]*job), kept: make(map[cid.Cid]*job), hash: h}
}

// add registers a pin in progress. Whoever adds it holds the lock of its CID.
func (f *inflight) add(root cid.Cid, depth int, cancel context.CancelCauseFunc) *job {
	j := &job{root: root, depth: depth, started: time.Now(), cancel: cancel, seen: storage.NewVisited(f.hash), ended: make(chan struct{})}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.jobs[root] = j
	delete(f.kept, root)
	return j
}

// remove ends the protection of the job's blocks: its pin is recorded, or given up.
// With keep, blocks that are reachable from its root stay protected.
func (f *inflight) remove(j *job, keep bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(j.ended)
	delete(f.jobs, j.root)
	if keep {
		f.kept[j.root] = &job{root: j.root, depth: j.depth, seen: storage.NewVisited(f.hash)}
	}
}

// forget ends the protection of a preempted pin.
func (f *inflight) forget(c cid.Cid) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.kept, c)
}

// needed returns the pins in progress and those that were preempted.
func (f *inflight) needed() []*job {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.AppendSeq(slices.Collect(maps.Values(f.jobs)), maps.Values(f.kept))
}

// stop cancels the pin of c that is in progress, if any.
func (f *inflight) stop(c cid.Cid, cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if j, ok := f.jobs[c]; ok {
		j.cancel(cause)
	}
}

func (f *inflight) get(c cid.Cid) (Fetch, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if j, ok := f.jobs[c]; ok {
		return j.state(), true
	}
	return Fetch{}, false
}

func (f *inflight) all() []*job {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*job, 0, len(f.jobs))
	for _, j := range f.jobs {
		all = append(all, j)
	}
	return all
}

func (f *inflight) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.jobs)
}

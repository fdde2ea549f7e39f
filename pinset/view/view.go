package view

import (
	"context"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	logging "github.com/ipfs/go-log/v2"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

var logger = logging.Logger("pinsvc")

// logicalTime is the time since the view was made. It is never 0.
type logicalTime int64

// View answers lists from memory and passes everything else to its Source. Every change
// of the state must be passed to Observe. It implements pinset.Cluster and is safe for
// concurrent use.
type View struct {
	pinset.Source
	options Options
	entries pinset.Entries // nil: Source.Scan
	born    time.Time

	mu         sync.Mutex // guards the fields down to touched
	index      *index
	placements placements
	statuses   *statusTable
	copied     *snapshot           // of index and statuses, nil after a change
	touched    map[string]struct{} // CIDs that changed during the current scan, nil without one

	tried    chan struct{} // closed after the first attempt to build the index
	complete chan struct{} // closed when the index is built
	poller   poller
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc

	starting sync.Mutex
	running  sync.WaitGroup
	closed   bool // guarded by starting
}

// Options of a view. The zero value is what a peer uses.
type Options struct {
	// CompareEvery is the least time between two comparisons with the state; 0 means ten
	// minutes. A large pinset is compared less often, see compareShare.
	CompareEvery time.Duration
	// Scanned is called after a scan of a large pinset. Its garbage is several times the
	// size of the view. Nil: no call.
	Scanned func()
	// Memory bounds the memory that reading large pins takes. Nil means no bound.
	Memory Memory
}

// Memory is a budget for large pins, such as a common.Budget.
type Memory interface {
	// Saw reports the size of a pin in bytes, from which the budget estimates requests.
	Saw(bytes int)
	// Work reserves a number of bytes, waiting if need be, and returns the function that
	// releases them. It fails when the context ends or there is no room for too long.
	Work(ctx context.Context, bytes int64) (done func(), err error)
}

// unbounded is the Memory of a view without a bound.
type unbounded struct{}

func (unbounded) Saw(int) {}

func (unbounded) Work(context.Context, int64) (done func(), err error) { return func() {}, nil }

// New returns an empty view. It may observe changes from now on; Start makes it read the
// state.
func New(o Options) *View {
	if o.CompareEvery == 0 {
		o.CompareEvery = 10 * time.Minute
	}
	if o.Memory == nil {
		o.Memory = unbounded{}
	}
	v := &View{options: o, born: time.Now(), index: newIndex(), statuses: newStatusTable()}
	v.tried, v.complete = make(chan struct{}), make(chan struct{})
	v.placements = placements{all: make(map[string]*placement), statuses: v.statuses}
	v.touched = make(map[string]struct{})
	v.poller.peers = make(map[string]*pollState)
	v.ctx, v.cancel = context.WithCancel(context.Background())
	return v
}

// Before puts the view before a Source, for pinsvcapi.WithView.
func (v *View) Before(s pinset.Source) pinset.Cluster {
	v.Source = s
	return v
}

// Through makes the view read the state with e, which is faster than Source.Scan. It must
// be called before Start. With nil the view uses Source.Scan.
func (v *View) Through(e pinset.Entries) { v.entries = e }

// Start builds the index once ready is closed, and compares it with the state
// periodically until Close.
func (v *View) Start(ready <-chan struct{}) {
	v.spawn(func() {
		select {
		case <-ready:
		case <-v.ctx.Done():
			return
		}
		v.run()
	})
}

// Close stops the view's goroutines and waits for them.
func (v *View) Close() {
	v.starting.Lock()
	v.closed = true
	v.starting.Unlock()
	v.cancel()
	v.running.Wait()
}

// spawn runs f in a goroutine that Close waits for. It returns false, and runs nothing, after
// Close: the datastore may be closed then.
func (v *View) spawn(f func()) bool {
	v.starting.Lock()
	defer v.starting.Unlock()
	if !v.closed {
		v.running.Go(f)
	}
	return !v.closed
}

// Complete is closed when the index is built. Until then lists wait, or, when reading the
// state has failed, scan it.
func (v *View) Complete() <-chan struct{} { return v.complete }

// Size returns the number of pins in the view.
func (v *View) Size() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.index.byCID.Len()
}

func (v *View) now() logicalTime { return logicalTime(time.Since(v.born)) + 1 }

// Put implements pinset.Cluster. When Source.Put returns, the view has observed the write,
// so later lists show it, and has the value of `created` that the consensus set.
func (v *View) Put(ctx context.Context, p pinset.Pin) (pinset.Pin, error) {
	p, err := v.Source.Put(ctx, p)
	if err != nil {
		return p, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if it := v.index.get(p.CID.KeyString()); it != nil {
		p.Created = time.UnixMilli(it.created).UTC()
	}
	return p, nil
}

// Status implements pinset.Cluster. Lists use its result until the next poll.
func (v *View) Status(ctx context.Context, p pinset.Pin) ([]pinset.PeerStatus, error) {
	asked := v.now()
	peers, err := v.Source.Status(ctx, p)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	it := v.index.get(p.CID.KeyString())
	if it == nil || it.changed > asked {
		return peers, nil
	}
	before := v.statuses.status(it)
	for _, s := range peers {
		v.statuses.recordOne(it, s, asked)
	}
	if v.statuses.status(it) != before {
		v.copied = nil
		v.statuses.refresh(it)
	}
	return peers, nil
}

// set adds an entry of the state to the index, or removes it if the API does not show it.
// It reports whether the index has changed. The caller holds mu.
func (v *View) set(stored api.Pin) (*item, bool) {
	if !pinset.Shown(stored) {
		return nil, v.drop(stored.Cid.KeyString())
	}
	v.touch(stored.Cid.KeyString())
	v.options.Memory.Saw(sizeOf(stored))
	return v.install(newItem(stored, v.placements.of(stored)))
}

// install adds an item to the index. When only the name, the meta or the like of a known pin
// has changed, the item keeps the time of its last change, so that the pin stays pinned. It returns the item that the index has then, and
// whether the index has changed.
func (v *View) install(it *item) (*item, bool) {
	old := v.index.get(it.key())
	switch {
	case old == nil:
		it.changed = v.now()
	case old.same(it):
		return old, false
	case old.created == it.created && old.placement == it.placement:
		it.changed = old.changed // peers need not act
	default:
		it.changed = v.now()
	}
	v.copied = nil
	if old != nil {
		v.statuses.unpinned.remove(old)
	}
	v.index.put(it, old)
	v.statuses.refresh(it)
	return it, true
}

// drop removes a pin from the index and from the status table, and reports whether it was
// there. The caller holds mu.
func (v *View) drop(key string) bool {
	v.touch(key)
	it := v.index.get(key)
	if it == nil {
		return false
	}
	v.copied = nil
	v.statuses.forget(it)
	v.index.remove(it)
	return true
}

// touch protects a value that is newer than the current scan from being overwritten. From New
// until the index is built everything that is observed is newer.
func (v *View) touch(key string) {
	if v.touched != nil {
		v.touched[key] = struct{}{}
	}
}

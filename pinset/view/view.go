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

// moment is a time since the view was made, never 0.
type moment int64

// View answers lists from memory and passes everything else to its Source. It
// is a pinsvcapi.Cluster, and has to observe every change of the state.
type View struct {
	pinset.Source
	options Options
	entries Entries // nil: Source.Scan
	born    time.Time

	mu      sync.Mutex // guards what follows
	index   *index
	places  places
	board   *board
	copied  *snapshot           // of the index and the board, nil when they have changed
	touched map[string]struct{} // CIDs that changed during the scan under way, else nil

	tried    chan struct{} // closed when it was tried once to build the index
	complete chan struct{} // closed when the index is
	asker    asker
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc

	starting sync.Mutex
	running  sync.WaitGroup
	closed   bool // guarded by starting
}

// Options of a view. The zero value is what a peer uses.
type Options struct {
	// CompareEvery is how often the view is compared with the state at most; 0
	// means every ten minutes. A large pinset is compared less often.
	CompareEvery time.Duration
	// Memory bounds what reading large pins takes. Nil means no bound.
	Memory Memory
}

// Entries calls fn with the bytes of the CID and the stored form (the library's
// protobuf message Pin) of every entry of the local state, in any order, one at a time.
// Both are valid until fn returns. It ends with the first error of fn.
type Entries func(ctx context.Context, fn func(cid, pin []byte) error) error

// Memory is a common.Budget.
type Memory interface {
	// Saw notes the size of a pin, in bytes.
	Saw(bytes int)
	// Work waits for room to read a number of bytes, and returns what gives it
	// back.
	Work(ctx context.Context, bytes int64) (done func(), err error)
}

// unbounded is the Memory of a view that has as much as it wants.
type unbounded struct{}

func (unbounded) Saw(int) {}

func (unbounded) Work(context.Context, int64) (done func(), err error) { return func() {}, nil }

// New returns a view that knows nothing yet. It can be told of changes from
// now on; Start makes it read the state.
func New(o Options) *View {
	if o.CompareEvery == 0 {
		o.CompareEvery = 10 * time.Minute
	}
	if o.Memory == nil {
		o.Memory = unbounded{}
	}
	v := &View{options: o, born: time.Now(), index: newIndex(), board: newBoard()}
	v.tried, v.complete = make(chan struct{}), make(chan struct{})
	v.places = places{all: make(map[string]*place), board: v.board}
	v.touched = make(map[string]struct{})
	v.asker.peers = make(map[string]*asked)
	v.ctx, v.cancel = context.WithCancel(context.Background())
	return v
}

// Before makes the view stand before a Source, as pinsvcapi.WithView wants it.
func (v *View) Before(s pinset.Source) pinset.Cluster {
	v.Source = s
	return v
}

// Through sets a quick way through the state, before Start. Without one, or with nil,
// the view reads the state with Source.Scan.
func (v *View) Through(e Entries) { v.entries = e }

// Start reads the state when ready is closed, and compares it with the index
// now and then until Close.
func (v *View) Start(ready <-chan struct{}) {
	v.goes(func() {
		select {
		case <-ready:
		case <-v.ctx.Done():
			return
		}
		v.keep()
	})
}

// Close ends the view's work.
func (v *View) Close() {
	v.starting.Lock()
	v.closed = true
	v.starting.Unlock()
	v.cancel()
	v.running.Wait()
}

// goes runs f until Close.
func (v *View) goes(f func()) bool {
	v.starting.Lock()
	defer v.starting.Unlock()
	if !v.closed {
		v.running.Go(f)
	}
	return !v.closed
}

// Complete is closed when the view has the whole pinset. Until then lists wait,
// or, when the state could not be read, are made by scans.
func (v *View) Complete() <-chan struct{} { return v.complete }

// Size returns how many pins the view has.
func (v *View) Size() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.index.byCID.Len()
}

func (v *View) now() moment { return moment(time.Since(v.born)) + 1 }

// Put implements pinsvcapi.Cluster. The write has been observed when Source.Put
// returns, so that a list that comes after it shows the pin. `created` is what the
// consensus has set.
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

// Status implements pinsvcapi.Cluster, and what it learns is known to lists.
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
	before := v.board.status(it)
	for _, s := range peers {
		v.board.hearOne(it, s, asked)
	}
	if v.board.status(it) != before {
		v.copied = nil
		v.board.update(it)
	}
	return peers, nil
}

// set puts an entry of the state into the index, or removes one that the API
// does not show. It returns whether anything changed. The caller holds mu.
func (v *View) set(stored api.Pin) (*item, bool) {
	if !pinset.Shown(stored) {
		return nil, v.drop(stored.Cid.KeyString())
	}
	v.touch(stored.Cid.KeyString())
	v.options.Memory.Saw(sizeOf(stored))
	return v.install(newItem(stored, v.places.of(stored)))
}

// install puts an item into the index, and returns the one that is there then.
func (v *View) install(it *item) (*item, bool) {
	old := v.index.get(it.key())
	switch {
	case old == nil:
		it.changed = v.now()
	case old.same(it):
		return old, false
	case old.created == it.created && old.place == it.place:
		it.changed = old.changed // peers have nothing to do
	default:
		it.changed = v.now()
	}
	v.copied = nil
	if old != nil {
		v.board.others.remove(old)
	}
	v.index.put(it, old)
	v.board.update(it)
	return it, true
}

// drop removes a pin from the index. It returns whether it was there. The
// caller holds mu.
func (v *View) drop(key string) bool {
	v.touch(key)
	it := v.index.get(key)
	if it == nil {
		return false
	}
	v.copied = nil
	v.board.forget(it)
	v.index.remove(it)
	return true
}

// touch keeps a scan under way from overwriting what is newer than it.
func (v *View) touch(key string) {
	if v.touched != nil {
		v.touched[key] = struct{}{}
	}
}

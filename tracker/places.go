package tracker

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/observations"
	"go.opencensus.io/stats"
)

const (
	// reviewInterval is how often places are reviewed while pins wait for one.
	reviewInterval = 100 * time.Millisecond
	// idleSlice is how long an attempt keeps its place that gets no block at all.
	idleSlice = 250 * time.Millisecond
	// firstSlice is how long the first attempt of a pin has its place for itself.
	// Each further attempt has it twice as long, up to lastSlice: what was here
	// already is read again at the start of an attempt, so long fetches should not
	// give way often.
	firstSlice = time.Second
	lastSlice  = 256 * time.Second
	// firstRun is how long a background fetch of a pin's first attempt runs at
	// least; further ones twice as long, so that each gets beyond pin_timeout.
	firstRun = 5 * time.Second
	// firstBackoff is how long a pin without progress is not tried again, doubled
	// with each attempt, up to lastBackoff.
	firstBackoff = 2 * time.Second
	lastBackoff  = 5 * time.Minute
	// A fetch that gets fewer blocks and bytes a second needs no place: it goes on
	// in the background.
	fastBlocks = 32
	fastBytes  = 4 << 20
	// leavingWorkers is how many attempts may be ending while others begin.
	leavingWorkers = 16
	// shortLevel is up to which level an attempt may take one of the extra places.
	shortLevel = 2
)

// PlaceOptions bound the fetches that are under way.
type PlaceOptions struct {
	// Concurrent is how many fetches have a place at once; 0 means 10. While pins
	// wait, a quarter more (at least one) is for short attempts.
	Concurrent int
	// Background is how many fetches that are slow, or have found no provider yet,
	// go on without a place while other pins wait.
	Background int
	// PriorityAge and PriorityRetries say which pins go first: those that are
	// younger and were tried no more often. 0 means none.
	PriorityAge     time.Duration
	PriorityRetries int
	// Away reports whether the IPFS node does not answer: then the progress of
	// attempts cannot be judged, and places are not reviewed. It may be nil.
	Away func() bool
}

// concurrent returns Concurrent, or its default.
func (o PlaceOptions) concurrent() int {
	if o.Concurrent <= 0 {
		return 10
	}
	return o.Concurrent
}

// extra returns the number of places for short attempts.
func (o PlaceOptions) extra() int { return max(1, o.concurrent()/4) }

// Workers is how many pins the inner tracker may be given at once, so that each
// that has a place, and each in the background, has a worker.
func (o PlaceOptions) Workers() int {
	return o.concurrent() + o.extra() + o.Background + leavingWorkers
}

// placeKind says which bound a place counts towards.
type placeKind int

const (
	regular    placeKind = iota // one of Concurrent
	extra                       // for short attempts, while all of those are taken
	background                  // none: a slow fetch that goes on
	leaving                     // none: it is being ended
	kinds
)

// place is one attempt to pin that is about to begin or under way.
type place struct {
	pin     api.Pin // with its CID only until it is handed to the inner tracker
	level   int
	kind    placeKind
	since   time.Time               // of the kind
	begun   time.Time               // of the attempt
	handed  bool                    // to the inner tracker
	cancel  context.CancelCauseFunc // nil before the connector is called
	shed    bool                    // it gives way to others
	best    uint64                  // blocks that any attempt had
	moved   time.Time               // of the last progress
	sampled time.Time
	blocks  uint64 // when sampled
	bytes   uint64
	fast    bool // when sampled
}

// places decides which pins are fetched. The inner tracker is given a pin when
// that has a place, and never queues one.
//
// A fetch keeps its place until it ends, or until its slice of time is over and
// other pins wait. Then a slow one, which uses next to nothing, goes on in the
// background; a fast one is ended, keeps its blocks and waits for its next,
// longer slice. When the background is full, the fetch in it that has made no
// progress for longest is ended.
type places struct {
	options  PlaceOptions
	queue    *queue
	progress func(c api.Cid) (blocks, bytes uint64, ok bool)
	ctx      context.Context
	wake     chan struct{}

	mu      sync.Mutex
	waiting *waiting
	open    map[api.Cid]*place
	count   [kinds]int // of open
	waited  bool       // pins did when places were given away last
}

func newPlaces(ctx context.Context, q *queue, o Options) *places {
	p := &places{
		options: o.Places, queue: q, ctx: ctx,
		wake:    make(chan struct{}, 1),
		waiting: newWaiting(),
		open:    make(map[api.Cid]*place),
		progress: func(api.Cid) (uint64, uint64, bool) {
			return 0, 0, false
		},
	}
	if o.Progress != nil {
		p.progress = func(c api.Cid) (uint64, uint64, bool) { return o.Progress(c.Cid) }
	}
	return p
}

// run gives places away until the context ends.
func (p *places) run() {
	timer := time.NewTimer(reviewInterval)
	defer timer.Stop()
	for {
		if p.serve(time.Now()) {
			timer.Reset(reviewInterval)
		} else {
			timer.Stop()
		}
		select {
		case <-p.wake:
		case <-timer.C:
		case <-p.ctx.Done():
			return
		}
	}
}

// wakeUp has run serve places now. It does not block.
func (p *places) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// serve reviews the places and gives away those that are free. It reports
// whether pins still wait.
func (p *places) serve(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.options.Away == nil || !p.options.Away() {
		p.fill(now)
		if p.waiting.len() > 0 {
			p.review(now)
			p.fill(now)
		}
	}
	n := p.waiting.len()
	if n > 0 || p.waited {
		// The inner tracker records what it queues itself, which is nothing.
		stats.Record(p.ctx, observations.PinsQueued.M(int64(n)))
	}
	p.waited = n > 0
	return p.waited
}

// fill gives the free places to waiting pins.
func (p *places) fill(now time.Time) {
	for p.count[regular] < p.options.concurrent() {
		if !p.grant(now, regular, math.MaxInt) {
			return
		}
	}
	for p.count[extra] < p.options.extra() {
		if !p.grant(now, extra, shortLevel) {
			return
		}
	}
}

// grant gives a place of a kind to the next waiting pin of at most a level. It returns
// false when none waits.
func (p *places) grant(now time.Time, kind placeKind, level int) bool {
	for {
		t, ok := p.waiting.next(now, level)
		if !ok {
			return false
		}
		if _, ok := p.open[t.cid]; ok {
			continue // an attempt that ends; the entry is looked at after that
		}
		p.add(t.cid, t.level, kind, now).best = t.best
		if p.queue.resume(t.cid, t.seq) {
			return true
		}
		p.remove(t.cid) // it has changed, and a worker is at it
	}
}

// add opens a place. The caller holds mu, as for remove and move.
func (p *places) add(c api.Cid, level int, kind placeKind, now time.Time) *place {
	l := &place{pin: api.PinCid(c), level: level, kind: kind, since: now, begun: now, moved: now, sampled: now}
	p.open[c] = l
	p.count[kind]++
	return l
}

func (p *places) remove(c api.Cid) {
	p.count[p.open[c].kind]--
	delete(p.open, c)
}

func (p *places) move(l *place, kind placeKind, now time.Time) {
	p.count[l.kind]--
	p.count[kind]++
	l.kind, l.since = kind, now
}

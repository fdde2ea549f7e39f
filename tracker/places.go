package tracker

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/observations"
	"go.opencensus.io/stats"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
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
	// Away says that the IPFS node does not answer, when nothing can be judged. It
	// may be nil.
	Away func() bool
}

func (o PlaceOptions) concurrent() int {
	if o.Concurrent <= 0 {
		return 10
	}
	return o.Concurrent
}

func (o PlaceOptions) extra() int { return max(1, o.concurrent()/4) }

// Workers is how many pins the inner tracker may be given at once, so that each
// that has a place, and each in the background, has a worker.
func (o PlaceOptions) Workers() int {
	return o.concurrent() + o.extra() + o.Background + leavingWorkers
}

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

func (p *places) kick() {
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

// fill gives free places to waiting pins.
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

// grant gives a place of a kind to the pin whose turn it is. It reports whether
// it did.
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

// await has a pin, which is parked in the queue, wait for a place.
func (p *places) await(e entry, attempts int) {
	t := ticket{cid: e.cid, seq: e.seq}
	t.priority = attempts <= p.options.PriorityRetries && time.Since(e.pin.Timestamp) < p.options.PriorityAge
	if attempts > 0 && !e.changed {
		t.level = 1
	}
	p.mu.Lock()
	if l, ok := p.open[e.cid]; ok && l.handed {
		p.remove(e.cid) // its operation has ended, which is noted in a moment
	}
	if e.changed {
		p.waiting.renew(e.cid)
	}
	p.waiting.add(t)
	p.mu.Unlock()
	p.kick()
}

// renew has a pin that gave way, and waits, tried again as if it were new.
func (p *places) renew(c api.Cid) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting.renew(c) {
		p.kick()
	}
}

// granted returns the place that a CID has and does not use yet, or nil.
func (p *places) granted(c api.Cid) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l, ok := p.open[c]; ok && !l.handed {
		return l
	}
	return nil
}

// unused frees a place that was granted, unless it was used since.
func (p *places) unused(c api.Cid, l *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[c] == l && !l.handed {
		p.remove(c)
		p.kick()
	}
}

// hand uses the place of a pin that is about to be handed to the inner tracker.
// It returns nil when none is granted.
func (p *places) hand(pin api.Pin) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.open[pin.Cid]
	if !ok || l.handed {
		return nil
	}
	l.pin, l.handed = pin, true
	return l
}

// force is hand for a pin that cannot wait: it always gets a place.
func (p *places) force(pin api.Pin) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.open[pin.Cid]; ok {
		p.remove(pin.Cid)
	}
	l := p.add(pin.Cid, 0, regular, time.Now())
	l.pin, l.handed = pin, true
	return l
}

// follow frees a place when its operation ends; nil has ended.
func (p *places) follow(l *place, operation context.Context) {
	if operation == nil {
		p.ended(l)
		return
	}
	context.AfterFunc(operation, func() { p.ended(l) })
}

// ended frees a place. An attempt that gave way waits for the next one.
func (p *places) ended(l *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[l.pin.Cid] != l {
		return
	}
	p.remove(l.pin.Cid)
	if l.shed {
		p.comeBack(l, time.Now())
	}
	p.kick()
}

func (p *places) comeBack(l *place, now time.Time) {
	seq, ok := p.queue.holds(l.pin.Cid)
	if !ok {
		return // it has changed, and a worker is at it
	}
	t := ticket{cid: l.pin.Cid, seq: seq, level: l.level + 1, best: l.best}
	if l.moved.Equal(l.begun) {
		t.ready = now.Add(backoff.Delay(firstBackoff, lastBackoff, t.level))
	}
	p.waiting.add(t)
}

// shedding reports whether the attempt of a CID is ending to give way.
func (p *places) shedding(c api.Cid) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.open[c]
	return ok && l.shed
}

// enter begins an attempt to pin, whose context ends when it gives way. What it
// returns must be called with the outcome.
func (p *places) enter(ctx context.Context, c api.Cid) (context.Context, func(error)) {
	ctx, cancel := context.WithCancelCause(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.open[c]
	if l == nil {
		return ctx, func(error) { cancel(nil) }
	}
	l.cancel = cancel
	return ctx, func(err error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		l.cancel = nil
		if l.shed && err == nil {
			l.shed = false
			p.queue.unhold(c)
		}
		cancel(nil)
	}
}

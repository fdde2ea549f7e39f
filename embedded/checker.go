package embedded

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"
	"golang.org/x/time/rate"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

const (
	// recheckAfter is how long a pin is not checked again, however often that is
	// asked for.
	recheckAfter = time.Hour
	// queuedRate is how fast queued pins are read, in bytes per second.
	queuedRate = 64 << 20
	// readCost is what the read of a file costs in addition to its bytes: a disk
	// could have read so many in the time of a seek.
	readCost = 16 << 10
	// backgroundMemory bounds the nodes that a background inspection remembers.
	backgroundMemory = 1 << 20
	// loneRepairs is how many pins that no tracker knows are repaired at once.
	loneRepairs = 2
)

// checker finds damaged and missing blocks of pins, and has these pins repaired.
// It has two goroutines: one reads the blocks of queued pins and, when none is
// queued, all files slowly (scrub.go); the other finds the pins that need the
// blocks on the damaged list.
type checker struct {
	store *storage.Store
	pins  *pinset
	locks *keyLock
	room  func() error
	scrub *scrub
	limit *rate.Limiter // of queued pins

	// repair is called with a pin that does not count as pinned any more. It
	// reports whether somebody pins it again. It must not wait.
	repair atomic.Pointer[func(cid.Cid) bool]
	// alone pins again what nobody else does.
	alone func(gap)
	lone  chan struct{} // full while loneRepairs run

	listed chan struct{} // holds one signal when the damaged list has grown
	wake   chan struct{} // holds one signal when a pin was queued

	listing  atomic.Bool // all pins are being queued
	breaking sync.Mutex  // held while a pin is made to count as not pinned

	blocks, bytes atomic.Uint64 // read since the start

	mu    sync.Mutex
	queue []cid.Cid
	last  map[cid.Cid]time.Time // when a pin was queued; not older than recheckAfter
	now   func() time.Time
}

func newChecker(n *Node, s *scrub) *checker {
	k := &checker{
		store:  n.store,
		pins:   n.pins,
		locks:  n.locks,
		room:   n.repo.Room,
		scrub:  s,
		limit:  pacer(queuedRate),
		alone:  n.repairAlone,
		lone:   make(chan struct{}, loneRepairs),
		listed: make(chan struct{}, 1),
		wake:   make(chan struct{}, 1),
		last:   make(map[cid.Cid]time.Time),
		now:    time.Now,
	}
	n.store.Damaged.Found = k.signal
	if n.store.Damaged.Size.Load() > 0 {
		k.signal() // a stop may have come between finding a block and its pins
	}
	return k
}

// signal has the pins found that need the blocks on the damaged list.
func (k *checker) signal() {
	select {
	case k.listed <- struct{}{}:
	default:
	}
}

// queueAll queues every pin, at most once in recheckAfter.
func (k *checker) queueAll(ctx context.Context) error {
	return k.pins.each(ctx, func(c cid.Cid, _ int) error {
		k.enqueue(c)
		return nil
	})
}

// enqueue has all blocks of a pin read in the background, unless that was asked
// for within the last hour.
func (k *checker) enqueue(c cid.Cid) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if at, ok := k.last[c]; ok && now.Sub(at) < recheckAfter {
		return
	}
	k.forgetOld(now)
	k.last[c] = now
	k.queue = append(k.queue, c)
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// forgetOld keeps the memory of checks from growing: it is swept when it has
// doubled since.
func (k *checker) forgetOld(now time.Time) {
	if n := len(k.last); n < 1024 || n&(n-1) != 0 {
		return
	}
	for c, at := range k.last {
		if now.Sub(at) >= recheckAfter {
			delete(k.last, c)
		}
	}
}

// next takes a pin off the queue.
func (k *checker) next() (c cid.Cid, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.queue) == 0 {
		return cid.Undef, false
	}
	c, k.queue = k.queue[0], k.queue[1:]
	return c, true
}

// waiting is the number of queued pins.
func (k *checker) waiting() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.queue)
}

// drain checks the queued pins.
func (k *checker) drain(ctx context.Context) {
	for ctx.Err() == nil {
		c, ok := k.next()
		if !ok {
			return
		}
		if err := k.checkPin(ctx, c); err != nil && ctx.Err() == nil {
			logger.Warnf("checking pin %s: %s", c, err)
		}
	}
}

// checkPin reads all blocks of one pin, if it is pinned.
func (k *checker) checkPin(ctx context.Context, c cid.Cid) error {
	depth, found, err := k.pins.recorded(ctx, c)
	if err != nil || !found {
		return err
	}
	i := &inspection{store: k.store, whole: true, read: k.quickly}
	gaps, err := i.pin(ctx, c, depth)
	if err == nil && len(gaps) > 0 {
		err = k.denounce(ctx, worst(gaps))
	}
	return err
}

// attribute runs until ctx ends.
func (k *checker) attribute(ctx context.Context) {
	for {
		select {
		case <-k.listed:
		case <-ctx.Done():
			return
		}
		if _, err := k.findGaps(ctx, unpaced); err != nil && ctx.Err() == nil {
			logger.Warnf("looking for the pins that need damaged blocks: %s", err)
		}
	}
}

func unpaced(context.Context, int) error { return nil }

// findGaps walks all pins, without reading the blocks that have no links,
// denounces those that lack a block, and returns the worst gap of each.
func (k *checker) findGaps(ctx context.Context, read func(context.Context, int) error) ([]gap, error) {
	i := &inspection{store: k.store, remember: backgroundMemory, read: read}
	var first []gap
	var failed []error
	err := k.pins.each(ctx, func(c cid.Cid, depth int) error {
		gaps, err := i.pin(ctx, c, depth)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil && len(gaps) > 0 {
			first = append(first, worst(gaps))
			err = k.denounce(ctx, worst(gaps))
		}
		if err != nil { // about this pin
			failed = append(failed, err)
		}
		return nil
	})
	return first, errors.Join(append(failed, err)...)
}

// worst returns a gap that keeps garbage from being collected, or else the first.
func worst(gaps []gap) gap {
	if i := slices.IndexFunc(gaps, func(g gap) bool { return g.refused == nil }); i >= 0 {
		return gaps[i]
	}
	return gaps[0]
}

// denounce makes a pin that lacks a block count as not pinned, and has it
// repaired; unless somebody is pinning or unpinning it, or has just done so.
func (k *checker) denounce(ctx context.Context, g gap) error {
	lacks, known, err := k.setBroken(ctx, g)
	if err != nil || !lacks {
		return err
	}
	switch {
	case known && g.refused != nil:
		return nil // it would fail again
	case known:
	case g.refused != nil:
		logger.Warnf("%s: the pin counts as not pinned, and keeps its blocks", g)
	default:
		logger.Warnf("%s: the pin counts as not pinned until the block is fetched again", g)
	}
	repair := k.repair.Load()
	if repair == nil || (*repair)(g.pin) {
		return nil
	}
	select {
	case k.lone <- struct{}{}:
		k.alone(g)
	default: // another check finds it again
	}
	return nil
}

// setBroken reports whether the pin still lacks the block, and whether that was
// known.
func (k *checker) setBroken(ctx context.Context, g gap) (lacks, known bool, err error) {
	k.breaking.Lock() // so that only pins and unpins hold the lock of the CID
	defer k.breaking.Unlock()
	unlock, ok := k.locks.try(g.pin)
	if !ok {
		return false, false, nil
	}
	defer unlock()
	depth, found, err := k.pins.recorded(ctx, g.pin)
	if err != nil || !found || depth != g.depth {
		return false, false, err
	}
	if g.refused == nil {
		here, err := k.store.Has(ctx, g.block)
		if err != nil || here {
			return false, false, err
		}
	}
	if err := k.room(); err != nil {
		return false, false, err
	}
	_, pinned, err := k.pins.get(ctx, g.pin)
	if err != nil {
		return false, false, err
	}
	return true, !pinned, k.pins.setBroken(ctx, g.pin, g.block)
}

// quickly counts what the check of a queued pin has read and waits.
func (k *checker) quickly(ctx context.Context, bytes int) error {
	k.blocks.Add(1)
	k.bytes.Add(uint64(bytes))
	return k.limit.WaitN(ctx, min(bytes+readCost, k.limit.Burst()))
}

// pacer limits reads to so many bytes per second.
func pacer(bytes uint64) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(bytes), max(int(min(bytes, queuedRate))/4, 2*readCost))
}

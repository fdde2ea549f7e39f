package tracker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/observations"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"
	"go.opencensus.io/stats/view"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// supply is how the content of a pin comes in a contest.
type supply struct {
	blocks int           // all; 0 is never complete
	each   time.Duration // from one block to the next; 0 means none comes
}

var (
	dead  = supply{}
	ready = supply{1, 100 * time.Millisecond}
)

// contest is a tracker with places whose operations run as in the library's
// tracker and its connector, on content that comes as given. Blocks stay when an
// attempt ends.
type contest struct {
	*bench
	mu       sync.Mutex
	contents map[api.Cid]supply
	have     map[api.Cid]int // blocks
	attempts map[api.Cid]int
	pinned   map[api.Cid]time.Time
	running  int
	most     int // at once
	removed  []api.Cid
	blind    bool // the node does not tell how far it is, as a Kubo
}

const contestTimeout = 2 * time.Minute

func newContest(t *testing.T, o PlaceOptions) *contest {
	c := &contest{
		contents: make(map[api.Cid]supply), have: make(map[api.Cid]int),
		attempts: make(map[api.Cid]int), pinned: make(map[api.Cid]time.Time),
	}
	b := &bench{t: t, inner: newFakeTracker(), state: fakes.NewState(), ipfs: &fakeHolder{pins: make(map[api.Cid]api.IPFSPinStatus)}}
	c.bench = b
	b.Tracker = New(&contestTracker{b.inner, c}, Options{
		Peer: fakes.Self, Peername: "me", State: b.state.Local, IPFS: b.ipfs, Places: o, Progress: c.progress,
	})
	b.SetClient(nil)
	t.Cleanup(func() {
		require.NoError(t, b.Shutdown(context.Background()))
		b.inner.mu.Lock()
		for _, op := range b.inner.ops {
			op.cancel()
		}
		b.inner.mu.Unlock()
		synctest.Wait()
	})
	return c
}

// contestTracker runs pins at once. Those that are queued would be a fault.
type contestTracker struct {
	*fakeTracker
	c *contest
}

func (f *contestTracker) Track(ctx context.Context, p api.Pin) error {
	attempts := f.Status(ctx, p.Cid).AttemptCount
	f.start(p.Cid, api.TrackerStatusPinning)
	f.mu.Lock()
	op := f.ops[p.Cid]
	op.attempts = attempts + 1
	f.mu.Unlock()
	go f.c.run(op, p)
	return nil
}

func (f *contestTracker) Untrack(_ context.Context, c api.Cid) error {
	f.mu.Lock()
	if op, ok := f.ops[c]; ok {
		op.cancel()
		delete(f.ops, c)
	}
	f.mu.Unlock()
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	f.c.removed = append(f.c.removed, c)
	return nil
}

func (c *contest) progress(id cid.Cid) (blocks, bytes uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := uint64(c.have[api.NewCid(id)])
	return n, n * 1000, !c.blind
}

// run is one attempt.
func (c *contest) run(op *fakeOp, p api.Pin) {
	ctx, leave := c.Within(op.ctx, p.Cid)
	c.mu.Lock()
	c.attempts[p.Cid]++
	c.running++
	c.most = max(c.most, c.running)
	c.mu.Unlock()
	err := c.fetch(ctx, p.Cid)
	c.mu.Lock()
	c.running--
	if err == nil {
		c.pinned[p.Cid] = time.Now()
	}
	c.mu.Unlock()
	c.ipfs.set(func(h *fakeHolder) {
		if err == nil {
			h.pins[p.Cid] = api.IPFSPinStatusRecursive
		}
	})
	leave(err)
	if op.ctx.Err() == nil {
		c.inner.end(p.Cid, err == nil)
	}
}

func (c *contest) fetch(ctx context.Context, id api.Cid) error {
	supply := c.supplyOf(id)
	for {
		wait := supply.each
		if wait == 0 {
			wait = contestTimeout
		}
		if !backoff.Sleep(ctx, wait) {
			return context.Cause(ctx)
		}
		if supply.each == 0 {
			return errors.New("timed out")
		}
		c.mu.Lock()
		c.have[id]++
		done := c.have[id] >= supply.blocks
		c.mu.Unlock()
		if done {
			return nil
		}
	}
}

// tries returns how often a pin was attempted.
func (c *contest) tries(i int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.attempts[fakes.CID(i)]
}

// set changes how the content of a pin comes.
func (c *contest) set(i int, s supply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.contents[fakes.CID(i)] = s
}

func (c *contest) supplyOf(id api.Cid) supply {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.contents[id]
}

// unpinned returns what the node was told to unpin.
func (c *contest) unpinned() []api.Cid {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.removed)
}

// add tracks a pin with such content.
func (c *contest) add(i int, supply supply) {
	p := fakes.Pin(i, fmt.Sprint(i))
	c.set(i, supply)
	c.state.Put(p)
	c.track(p)
}

// within waits until a pin is pinned, for a time at most, and until then sees
// that it is never failed.
func (c *contest) within(d time.Duration, i int, why string) {
	c.t.Helper()
	start := time.Now()
	for time.Since(start) < d {
		switch s := c.Status(c.t.Context(), fakes.CID(i)).Status; s {
		case api.TrackerStatusPinned:
			return
		case api.TrackerStatusPinQueued, api.TrackerStatusPinning:
		default:
			require.Fail(c.t, why, "pin %d is %s after %s", i, s, time.Since(start))
		}
		fakes.After(50 * time.Millisecond)
	}
	require.Fail(c.t, why, "pin %d is not pinned after %s", i, d)
}

// eachContest runs a test for a single place and for ten.
func eachContest(t *testing.T, f func(*testing.T, PlaceOptions)) {
	for _, n := range []int{1, 10} {
		fakes.Bubble(t, fmt.Sprint(n, " places"), func(t *testing.T) {
			f(t, PlaceOptions{Concurrent: n, Background: 32, PriorityAge: 24 * time.Hour, PriorityRetries: 5})
		})
	}
}

// TestReadyPinPassesDeadOnes: whatever waits, a pin with a ready provider is
// pinned within seconds, and does not fail on the way.
func TestReadyPinPassesDeadOnes(t *testing.T) {
	eachContest(t, func(t *testing.T, o PlaceOptions) {
		c := newContest(t, o)
		for i := range 2000 {
			c.add(i+100, dead)
		}
		for i, pause := range []time.Duration{0, time.Second, 10 * time.Second, time.Minute, 3 * time.Minute} {
			time.Sleep(pause)
			c.add(i, ready)
			c.within(5*time.Second, i, "beside thousands of dead pins")
		}
		c.mu.Lock()
		require.LessOrEqual(t, c.most, o.Workers())
		c.mu.Unlock()
	})
}

// TestDeadPinsFail: each gets its pin_timeout in one piece in the end, however
// often it had to give way before.
func TestDeadPinsFail(t *testing.T) {
	eachContest(t, func(t *testing.T, o PlaceOptions) {
		c := newContest(t, o)
		const many = 200
		for i := range many {
			c.add(i, dead)
		}
		fakes.After(2 * time.Hour)
		infos, err := c.statusAllFromMemory(t.Context(), api.TrackerStatusPinError)
		require.NoError(t, err)
		require.Len(t, infos, many)
		require.Zero(t, c.places.waiting.len())
	})
}

// TestSlowFetchesFinish: fetches that get a block a second do so beside each other
// and beside new pins, which do not wait for them.
func TestSlowFetchesFinish(t *testing.T) {
	eachContest(t, func(t *testing.T, o PlaceOptions) {
		for _, blind := range []bool{false, true} {
			c := newContest(t, o)
			c.blind = blind
			const slow = 100
			for i := range slow {
				c.add(i+10000, supply{120, time.Second})
			}
			start := time.Now()
			for i := range 300 {
				c.add(i, ready)
				c.within(5*time.Second, i, "beside slow pins")
			}
			for i := range slow {
				c.within(3*time.Hour, i+10000, "a slow pin")
			}
			t.Logf("%d slow pins of 2 minutes took %s", slow, time.Since(start))
		}
	})
}

// TestFastLongFetchesRotate: a pin that comes fast and takes long does not hold
// up one that takes seconds, and is finished all the same.
func TestFastLongFetchesRotate(t *testing.T) {
	const long = 36_000
	eachContest(t, func(t *testing.T, o PlaceOptions) {
		c := newContest(t, o)
		for i := range 2 * o.Concurrent {
			c.add(i+1000, supply{long, 25 * time.Millisecond})
		}
		for i := range 20 {
			time.Sleep(20 * time.Second)
			c.add(i, ready)
			c.within(5*time.Second, i, "beside fast pins")
			c.add(i+100, supply{300, 10 * time.Millisecond})
			c.within(15*time.Second, i+100, "of three seconds")
			c.places.mu.Lock()
			without := 0
			for _, l := range c.places.open {
				if l.kind == background && c.supplyOf(l.pin.Cid).blocks == long {
					without++
				}
			}
			c.places.mu.Unlock()
			require.Zero(t, without, "fast fetches have a place")
		}
		for i := range 2 * o.Concurrent {
			c.within(5*time.Hour, i+1000, "a long pin")
			require.Less(t, c.tries(i+1000), 60)
		}
	})
}

// TestNoPlaceIsTakenWithoutNeed: while nobody waits, nothing is ended.
func TestNoPlaceIsTakenWithoutNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newContest(t, PlaceOptions{Concurrent: 2, Background: 2})
		c.add(1, supply{100, 10 * time.Second})
		c.add(2, supply{100_000, 10 * time.Millisecond})
		c.within(time.Hour, 1, "alone")
		c.within(time.Hour, 2, "alone")
		require.Equal(t, 1, c.tries(1))
		require.Equal(t, 1, c.tries(2))
	})
}

// TestParkedPin: what is done to a pin that gave way.
func TestParkedPin(t *testing.T) {
	parked := func(t *testing.T) (*contest, int) {
		c := newContest(t, PlaceOptions{Concurrent: 1, Background: 1})
		for i := range 50 {
			c.add(i, dead)
		}
		fakes.After(15 * time.Second)
		for i := range 50 {
			if s := c.inner.Status(t.Context(), fakes.CID(i)).Status; s == api.TrackerStatusPinError {
				require.Equal(t, api.TrackerStatusPinQueued, c.Status(t.Context(), fakes.CID(i)).Status)
				return c, i
			}
		}
		require.Fail(t, "none gave way")
		return nil, 0
	}
	fakes.Bubble(t, "it is removed", func(t *testing.T) {
		c, i := parked(t)
		c.state.Rm(fakes.CID(i))
		c.untrack(fakes.CID(i))
		fakes.After(time.Second)
		require.Equal(t, []api.Cid{fakes.CID(i)}, c.unpinned())
		before := c.tries(i)
		fakes.After(time.Hour)
		require.Equal(t, before, c.tries(i), "it is not tried any more")
		c.places.mu.Lock()
		_, waits := c.places.waiting.tickets[fakes.CID(i)]
		c.places.mu.Unlock()
		require.False(t, waits)
		_, noted := c.queue.get(fakes.CID(i))
		require.False(t, noted)
	})
	fakes.Bubble(t, "it is given to others", func(t *testing.T) {
		c, i := parked(t)
		p := fakes.RemotePin(i)
		c.state.Put(p)
		c.track(p)
		fakes.After(time.Second)
		require.Equal(t, []api.Cid{fakes.CID(i)}, c.unpinned())
		_, noted := c.queue.get(fakes.CID(i))
		require.False(t, noted)
	})
	for name, do := range map[string]func(*contest, int){
		"it is sent again": func(c *contest, i int) { c.add(i, ready) },
		"recover": func(c *contest, i int) {
			c.set(i, ready)
			info, err := c.Recover(c.t.Context(), fakes.CID(i))
			require.NoError(c.t, err)
			require.Equal(c.t, api.TrackerStatusPinQueued, info.Status)
		},
	} {
		fakes.Bubble(t, name, func(t *testing.T) {
			c, i := parked(t)
			do(c, i)
			c.within(5*time.Second, i, "tried at once")
		})
	}
	fakes.Bubble(t, "recover of all", func(t *testing.T) {
		c, i := parked(t)
		out := make(chan api.PinInfo, 100)
		require.NoError(t, c.RecoverAll(t.Context(), out))
		for info := range out {
			require.NotEqual(t, fakes.CID(i), info.Cid, "it did not fail")
		}
	})
	fakes.Bubble(t, "lists", func(t *testing.T) {
		c, i := parked(t)
		require.NoError(t, c.recoverAll())
		for filter, want := range map[api.TrackerStatus]bool{
			api.TrackerStatusPinQueued: true,
			api.TrackerStatusPinError:  false,
			api.TrackerStatusPinQueued | api.TrackerStatusUnexpectedlyUnpinned | api.TrackerStatusPinError: true,
		} {
			require.NoError(t, func() error { _, err := c.Recover(t.Context(), fakes.CID(i)); return err }())
			out := make(chan api.PinInfo, 1000)
			require.NoError(t, c.StatusAll(t.Context(), filter, out))
			var infos []api.PinInfo
			for info := range out {
				infos = append(infos, info)
			}
			require.Equal(t, want, slices.ContainsFunc(infos, func(info api.PinInfo) bool {
				return info.Cid == fakes.CID(i) && info.Status == api.TrackerStatusPinQueued
			}), filter)
		}
	})
}

// TestPlacesWhileTheNodeIsAway: nothing gives way then, because nothing can be
// judged.
func TestPlacesWhileTheNodeIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		c := newContest(t, PlaceOptions{Concurrent: 1, Background: 1, Away: away.Load})
		away.Store(true)
		for i := range 5 {
			c.add(i, dead)
		}
		fakes.After(time.Minute)
		require.Zero(t, c.tries(0)+c.tries(1)+c.tries(2)+c.tries(3)+c.tries(4))
		away.Store(false)
		c.add(9, ready)
		c.within(5*time.Second, 9, "it is back")
	})
}

// TestPriority: young pins go before old ones.
func TestPriority(t *testing.T) {
	w := newWaiting()
	add := func(i int, priority bool) { w.add(ticket{cid: fakes.CID(i), priority: priority}) }
	for i := range 4 {
		add(i, false)
	}
	for i := range 4 {
		add(10+i, true)
	}
	var order []api.Cid
	for w.len() > 0 {
		tk, ok := w.next(time.Now(), 0)
		require.True(t, ok)
		order = append(order, tk.cid)
	}
	want := []int{13, 10, 12, 11, 3, 0, 2, 1}
	for i, n := range want {
		require.Equal(t, fakes.CID(n), order[i], i)
	}
}

// TestQueuedMetric: the library's gauge counts the pins that wait for a place.
func TestQueuedMetric(t *testing.T) {
	require.NoError(t, view.Register(observations.PinsQueuedView))
	t.Cleanup(func() { view.Unregister(observations.PinsQueuedView) })
	p := newPlaces(t.Context(), newQueue(), Options{Places: PlaceOptions{Concurrent: 2}})
	for i := range 10 {
		pin := fakes.Pin(i, "x")
		p.queue.hold(pin)
		e, _ := p.queue.get(pin.Cid)
		p.await(e, 0)
	}
	for _, want := range []float64{7, 7} {
		require.True(t, p.serve(time.Now()))
		rows, err := view.RetrieveData(observations.PinsQueuedView.Name)
		require.NoError(t, err)
		require.Len(t, rows, 1)
		require.Equal(t, want, rows[0].Data.(*view.LastValueData).Value)
	}
}

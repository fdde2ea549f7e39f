package wrap

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"
)

// at returns the pin with its timestamp moved.
func at(p api.Pin, d time.Duration) api.Pin {
	p.Timestamp = p.Timestamp.Add(d)
	return p
}

// after lets time pass and everything come to rest.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestReconcile(t *testing.T) {
	direct := api.PinWithOpts(testCID(1), api.PinOptions{
		Name: "direct", Mode: api.PinModeDirect, ReplicationFactorMin: -1, ReplicationFactorMax: -1,
	})
	meta := testPin(1, "meta")
	meta.Type = api.MetaType
	op := func(s api.TrackerStatus) func(*bench) {
		return func(b *bench) { b.inner.start(testCID(1), s) }
	}
	for name, tt := range map[string]struct {
		stored  []api.Pin // and pinned
		prepare func(*bench)
		track   []api.Pin // stored after that
		untrack bool      // after that
		want    []string
	}{
		"a new pin":                              {track: []api.Pin{testPin(1, "x")}, want: []string{"pin x"}},
		"an update of a pinned pin":              {stored: []api.Pin{testPin(1, "x")}, track: []api.Pin{testPin(1, "y")}},
		"an update to another depth":             {stored: []api.Pin{testPin(1, "x")}, track: []api.Pin{direct}, want: []string{"pin direct"}},
		"an update of a pin that IPFS has lost":  {stored: []api.Pin{testPin(1, "x")}, prepare: func(b *bench) { b.ipfs.pins = nil }, track: []api.Pin{testPin(1, "y")}, want: []string{"pin y"}},
		"an update of a failed pin":              {stored: []api.Pin{testPin(1, "x")}, prepare: op(api.TrackerStatusPinError), track: []api.Pin{testPin(1, "y")}, want: []string{"pin y"}},
		"an update of a pin that is in flight":   {stored: []api.Pin{testPin(1, "x")}, prepare: op(api.TrackerStatusPinning), track: []api.Pin{testPin(1, "y")}},
		"an update of a pin that is queued":      {stored: []api.Pin{testPin(1, "x")}, prepare: op(api.TrackerStatusPinQueued), track: []api.Pin{testPin(1, "y")}},
		"a pin that returns while it is removed": {prepare: op(api.TrackerStatusUnpinning), track: []api.Pin{testPin(1, "x")}, want: []string{"pin x"}},
		"a removal":                              {untrack: true, want: []string{"unpin"}},
		"a removal of a pinned pin":              {stored: []api.Pin{testPin(1, "x")}, untrack: true, want: []string{"unpin"}},
		"a removal while it is in flight":        {prepare: op(api.TrackerStatusPinning), untrack: true, want: []string{"unpin"}},
		"an update and a removal":                {track: []api.Pin{testPin(1, "x")}, untrack: true, want: []string{"unpin"}},
		"the root of a sharded pin":              {track: []api.Pin{meta}},
		"a pin of others":                        {track: []api.Pin{remotePin(1)}},
		"a pin that is given to others":          {stored: []api.Pin{testPin(1, "x")}, track: []api.Pin{remotePin(1)}, want: []string{"unpin"}},
		"a pin in flight that is given to others": {prepare: op(api.TrackerStatusPinning), track: []api.Pin{remotePin(1)},
			want: []string{"unpin"}},
		"a pin of others that is being unpinned": {prepare: op(api.TrackerStatusUnpinning), track: []api.Pin{remotePin(1)}},
	} {
		inBubble(t, name, func(t *testing.T) {
			b := newBench(t, tt.stored...)
			if tt.prepare != nil {
				tt.prepare(b)
			}
			for _, p := range tt.track {
				b.track(p)
			}
			if tt.untrack {
				b.untrack(testCID(1))
			}
			after(2 * time.Second)
			require.Equal(t, tt.want, b.inner.told())
			require.Empty(t, b.queue.entries, "nothing is left to do")
		})
	}
}

// What the library's Raft tells by RPC has been observed.
func TestTrackOfTheLibrary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		require.NoError(t, b.Track(t.Context(), testPin(1, "x")))
		require.NoError(t, b.Untrack(t.Context(), testCID(2)))
		after(time.Minute)
		require.Empty(t, b.inner.told())
	})
}

func TestNewPin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.track(testPin(1, "x"))
		require.Equal(t, api.TrackerStatusPinQueued, b.Status(t.Context(), testCID(1)).Status)
		after(0)
		require.Equal(t, []string{"pin x"}, b.inner.told(), "at once")
		require.Zero(t, b.ipfs.questions(), "a new pin needs none")
	})
}

func TestUpdateOfAPinnedPin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, testPin(1, "x"))
		b.track(at(testPin(1, "y"), time.Minute))
		require.Equal(t, api.TrackerStatusPinned, b.Status(t.Context(), testCID(1)).Status)
		after(0)
		require.Empty(t, b.inner.told())
		require.Equal(t, 1, b.ipfs.questions())
	})
}

func TestUpdateInFlightIsLookedAtAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		ok   bool
		want []string
	}{
		"when it has failed":    {false, []string{"pin y"}},
		"when it has succeeded": {true, nil},
	} {
		inBubble(t, name, func(t *testing.T) {
			b := newBench(t, testPin(1, "x"))
			b.inner.start(testCID(1), api.TrackerStatusPinning)
			for range 3 {
				b.track(testPin(1, "y"))
				after(time.Second)
			}
			require.Empty(t, b.inner.told())
			require.Zero(t, b.ipfs.questions())
			b.inner.end(testCID(1), tt.ok)
			after(time.Second)
			require.Equal(t, tt.want, b.inner.told())
			require.Empty(t, b.watched)
		})
	}
}

func TestIPFSDoesNotAnswer(t *testing.T) {
	for name, silence := range map[string]func(*fakeHolder, bool){
		"away":   func(h *fakeHolder, on bool) { h.away = on },
		"frozen": func(h *fakeHolder, on bool) { h.frozen = on },
	} {
		inBubble(t, name, func(t *testing.T) {
			b := newBench(t, testPin(1, "x"), testPin(2, "x"), testPin(4, "gone"))
			b.ipfs.set(func(h *fakeHolder) { silence(h, true); delete(h.pins, testCID(2)) })
			for i := range 2 { // one is pinned, one is not
				b.track(testPin(i+1, "y"))
			}
			for i := 10; i < 200; i++ { // pins of others, which only IPFS can tell about
				b.track(remotePin(i))
			}
			after(time.Minute)
			require.Empty(t, b.inner.told())
			size, err := b.PinQueueSize(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, 100+192, size)

			b.track(testPin(3, "new"))
			after(time.Second)
			b.untrack(testCID(4))
			after(time.Second)
			require.Equal(t, []string{"pin new", "unpin"}, b.inner.told(), "what needs no answer goes on")

			b.ipfs.set(func(h *fakeHolder) { silence(h, false) })
			after(time.Minute)
			require.Equal(t, []string{"pin y"}, b.inner.told())
			require.Empty(t, b.queue.entries)
		})
	}
}

func TestChangeWhileIPFSDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, testPin(1, "x"))
		b.ipfs.set(func(h *fakeHolder) { h.frozen = true })
		b.track(testPin(1, "y"))
		after(time.Second)
		b.untrack(testCID(1))
		after(0)
		require.Equal(t, []string{"unpin"}, b.inner.told())
		after(time.Minute)
		require.Empty(t, b.inner.told(), "the answer to the old question has no effect")
	})
}

func TestInnerTrackerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.inner.refuse = errors.New("queue is full")
		b.track(testPin(1, "x"))
		after(time.Minute)
		require.Greater(t, len(b.inner.told()), 3)
		b.inner.mu.Lock()
		b.inner.refuse = nil
		b.inner.mu.Unlock()
		after(lastRetry)
		require.Equal(t, []string{"pin x"}, b.inner.told())
	})
}

// What is looked at without a change is read from the state.
func TestStateFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.state.put(testPin(1, "x"))
		b.state.fail = errors.New("closed")
		b.queue.again(testPin(1, "x"), func(e *entry) { e.lost, e.held = true, heldNo })
		after(time.Minute)
		require.Empty(t, b.inner.told())
		b.state.mu.Lock()
		b.state.fail = nil
		b.state.mu.Unlock()
		after(lastRetry)
		require.Equal(t, []string{"pin x"}, b.inner.told())
	})
}

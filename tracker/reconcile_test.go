package tracker

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// at returns the pin with its timestamp moved.
func at(p api.Pin, d time.Duration) api.Pin {
	p.Timestamp = p.Timestamp.Add(d)
	return p
}

func TestReconcile(t *testing.T) {
	direct := api.PinWithOpts(fakes.CID(1), api.PinOptions{
		Name: "direct", Mode: api.PinModeDirect, ReplicationFactorMin: -1, ReplicationFactorMax: -1,
	})
	meta := fakes.Pin(1, "meta")
	meta.Type = api.MetaType
	op := func(s api.TrackerStatus) func(*bench) {
		return func(b *bench) { b.inner.start(fakes.CID(1), s) }
	}
	for name, tt := range map[string]struct {
		stored  []api.Pin // and pinned
		prepare func(*bench)
		track   []api.Pin // stored after that
		untrack bool      // after that
		want    []string
	}{
		"a new pin":                              {track: []api.Pin{fakes.Pin(1, "x")}, want: []string{"pin x"}},
		"an update of a pinned pin":              {stored: []api.Pin{fakes.Pin(1, "x")}, track: []api.Pin{fakes.Pin(1, "y")}},
		"an update to another depth":             {stored: []api.Pin{fakes.Pin(1, "x")}, track: []api.Pin{direct}, want: []string{"pin direct"}},
		"an update of a pin that IPFS has lost":  {stored: []api.Pin{fakes.Pin(1, "x")}, prepare: func(b *bench) { b.ipfs.pins = nil }, track: []api.Pin{fakes.Pin(1, "y")}, want: []string{"pin y"}},
		"an update of a failed pin":              {stored: []api.Pin{fakes.Pin(1, "x")}, prepare: op(api.TrackerStatusPinError), track: []api.Pin{fakes.Pin(1, "y")}, want: []string{"pin y"}},
		"an update of a pin that is in flight":   {stored: []api.Pin{fakes.Pin(1, "x")}, prepare: op(api.TrackerStatusPinning), track: []api.Pin{fakes.Pin(1, "y")}},
		"an update of a pin that is queued":      {stored: []api.Pin{fakes.Pin(1, "x")}, prepare: op(api.TrackerStatusPinQueued), track: []api.Pin{fakes.Pin(1, "y")}},
		"a pin that returns while it is removed": {prepare: op(api.TrackerStatusUnpinning), track: []api.Pin{fakes.Pin(1, "x")}, want: []string{"pin x"}},
		"a removal":                              {untrack: true, want: []string{"unpin"}},
		"a removal of a pinned pin":              {stored: []api.Pin{fakes.Pin(1, "x")}, untrack: true, want: []string{"unpin"}},
		"a removal while it is in flight":        {prepare: op(api.TrackerStatusPinning), untrack: true, want: []string{"unpin"}},
		"an update and a removal":                {track: []api.Pin{fakes.Pin(1, "x")}, untrack: true, want: []string{"unpin"}},
		"the root of a sharded pin":              {track: []api.Pin{meta}},
		"a pin of others":                        {track: []api.Pin{fakes.RemotePin(1)}},
		"a pin that is given to others":          {stored: []api.Pin{fakes.Pin(1, "x")}, track: []api.Pin{fakes.RemotePin(1)}, want: []string{"unpin"}},
		"a pin in flight that is given to others": {prepare: op(api.TrackerStatusPinning), track: []api.Pin{fakes.RemotePin(1)},
			want: []string{"unpin"}},
		"a pin of others that is being unpinned": {prepare: op(api.TrackerStatusUnpinning), track: []api.Pin{fakes.RemotePin(1)}},
	} {
		fakes.Bubble(t, name, func(t *testing.T) {
			b := newBench(t, tt.stored...)
			if tt.prepare != nil {
				tt.prepare(b)
			}
			for _, p := range tt.track {
				b.track(p)
			}
			if tt.untrack {
				b.untrack(fakes.CID(1))
			}
			fakes.After(2 * time.Second)
			require.Equal(t, tt.want, b.inner.told())
			require.Empty(t, b.queue.entries, "nothing is left to do")
		})
	}
}

// What the library's Raft tells by RPC has been observed.
func TestTrackOfTheLibrary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		require.NoError(t, b.Track(t.Context(), fakes.Pin(1, "x")))
		require.NoError(t, b.Untrack(t.Context(), fakes.CID(2)))
		fakes.After(time.Minute)
		require.Empty(t, b.inner.told())
	})
}

func TestNewPin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.track(fakes.Pin(1, "x"))
		require.Equal(t, api.TrackerStatusPinQueued, b.Status(t.Context(), fakes.CID(1)).Status)
		fakes.After(0)
		require.Equal(t, []string{"pin x"}, b.inner.told(), "at once")
		require.Zero(t, b.ipfs.questions(), "a new pin needs none")
	})
}

func TestUpdateOfAPinnedPin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fakes.Pin(1, "x"))
		b.track(at(fakes.Pin(1, "y"), time.Minute))
		require.Equal(t, api.TrackerStatusPinned, b.Status(t.Context(), fakes.CID(1)).Status)
		fakes.After(0)
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
		fakes.Bubble(t, name, func(t *testing.T) {
			b := newBench(t, fakes.Pin(1, "x"))
			b.inner.start(fakes.CID(1), api.TrackerStatusPinning)
			for range 3 {
				b.track(fakes.Pin(1, "y"))
				fakes.After(time.Second)
			}
			require.Empty(t, b.inner.told())
			require.Zero(t, b.ipfs.questions())
			b.inner.end(fakes.CID(1), tt.ok)
			fakes.After(time.Second)
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
		fakes.Bubble(t, name, func(t *testing.T) {
			b := newBench(t, fakes.Pin(1, "x"), fakes.Pin(2, "x"), fakes.Pin(4, "gone"))
			b.ipfs.set(func(h *fakeHolder) { silence(h, true); delete(h.pins, fakes.CID(2)) })
			for i := range 2 { // one is pinned, one is not
				b.track(fakes.Pin(i+1, "y"))
			}
			for i := 10; i < 200; i++ { // pins of others, which only IPFS can tell about
				b.track(fakes.RemotePin(i))
			}
			fakes.After(time.Minute)
			require.Empty(t, b.inner.told())
			size, err := b.PinQueueSize(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, 100+192, size)

			b.track(fakes.Pin(3, "new"))
			fakes.After(time.Second)
			b.untrack(fakes.CID(4))
			fakes.After(time.Second)
			require.Equal(t, []string{"pin new", "unpin"}, b.inner.told(), "what needs no answer goes on")

			b.ipfs.set(func(h *fakeHolder) { silence(h, false) })
			fakes.After(time.Minute)
			require.Equal(t, []string{"pin y"}, b.inner.told())
			require.Empty(t, b.queue.entries)
		})
	}
}

func TestChangeWhileIPFSDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fakes.Pin(1, "x"))
		b.ipfs.set(func(h *fakeHolder) { h.frozen = true })
		b.track(fakes.Pin(1, "y"))
		fakes.After(time.Second)
		b.untrack(fakes.CID(1))
		fakes.After(0)
		require.Equal(t, []string{"unpin"}, b.inner.told())
		fakes.After(time.Minute)
		require.Empty(t, b.inner.told(), "the answer to the old question has no effect")
	})
}

func TestInnerTrackerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.inner.refuse = errors.New("queue is full")
		b.track(fakes.Pin(1, "x"))
		fakes.After(time.Minute)
		require.Greater(t, len(b.inner.told()), 3)
		b.inner.mu.Lock()
		b.inner.refuse = nil
		b.inner.mu.Unlock()
		fakes.After(lastRetry)
		require.Equal(t, []string{"pin x"}, b.inner.told())
	})
}

// What is looked at without a change is read from the state.
func TestStateFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.state.Put(fakes.Pin(1, "x"))
		b.state.Fail = errors.New("closed")
		b.queue.again(fakes.Pin(1, "x"), func(e *entry) { e.lost, e.nodeState = true, nodeNotPinned })
		fakes.After(time.Minute)
		require.Empty(t, b.inner.told())
		b.state.Mu.Lock()
		b.state.Fail = nil
		b.state.Mu.Unlock()
		fakes.After(lastRetry)
		require.Equal(t, []string{"pin x"}, b.inner.told())
	})
}

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
		track   []api.Pin // stored after that on CRDT, before on Raft
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
		"two updates at once":                    {track: []api.Pin{testPin(1, "x"), testPin(1, "y")}, want: []string{"pin y"}},
		"a removal":                              {untrack: true, want: []string{"unpin"}},
		"a removal of one value of several":      {stored: []api.Pin{testPin(1, "x")}, untrack: true},
		"a removal while it is in flight":        {prepare: op(api.TrackerStatusPinning), untrack: true, want: []string{"unpin"}},
		"an update and a removal":                {track: []api.Pin{testPin(1, "x")}, untrack: true, want: []string{"pin x"}},
		"the root of a sharded pin":              {track: []api.Pin{meta}},
		"a pin of others":                        {track: []api.Pin{remotePin(1)}},
		"a pin that is given to others":          {stored: []api.Pin{testPin(1, "x")}, track: []api.Pin{remotePin(1)}, want: []string{"unpin"}},
		"a pin in flight that is given to others": {prepare: op(api.TrackerStatusPinning), track: []api.Pin{remotePin(1)},
			want: []string{"unpin"}},
		"a pin of others that is being unpinned": {prepare: op(api.TrackerStatusUnpinning), track: []api.Pin{remotePin(1)}},
	} {
		for _, ahead := range []bool{true, false} {
			inBubble(t, name+map[bool]string{true: ", CRDT", false: ", Raft"}[ahead], func(t *testing.T) {
				b := newBench(t, ahead, tt.stored...)
				if tt.prepare != nil {
					tt.prepare(b)
				}
				store := func() {
					for _, p := range tt.track {
						b.state.put(p)
					}
				}
				if !ahead {
					store()
				}
				for _, p := range tt.track {
					b.track(p)
				}
				if ahead {
					store()
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
}

func TestTrackComesBeforeTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, true)
		b.track(testPin(1, "x"))
		after(300 * time.Millisecond)
		require.Empty(t, b.inner.told(), "not before the state has it")
		require.Equal(t, api.TrackerStatusPinQueued, b.Status(t.Context(), testCID(1)).Status)

		b.state.put(testPin(1, "x"))
		after(maxSettlePause)
		require.Equal(t, []string{"pin x"}, b.inner.told())
		require.Zero(t, b.ipfs.questions(), "a new pin needs none")
	})
}

func TestUpdateComesBeforeTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, true, testPin(1, "x"))
		b.track(at(testPin(1, "y"), time.Minute))
		after(300 * time.Millisecond)
		require.Zero(t, b.ipfs.questions())
		require.Equal(t, api.TrackerStatusPinned, b.Status(t.Context(), testCID(1)).Status)

		b.state.put(at(testPin(1, "y"), time.Minute))
		after(maxSettlePause)
		require.Empty(t, b.inner.told())
		require.Equal(t, 1, b.ipfs.questions())
	})
}

func TestTrackedPinIsSuperseded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, true)
		b.state.put(at(testPin(1, "newer"), time.Minute))
		b.track(testPin(1, "older"))
		after(maxSettlePause)
		require.Equal(t, []string{"pin newer"}, b.inner.told())
	})
}

func TestTrackedPinNeverAppears(t *testing.T) {
	for name, tt := range map[string]struct {
		stored []api.Pin
		want   []string
	}{
		"and there was none before": {nil, []string{"unpin"}},
		"and another one stays":     {[]api.Pin{testPin(1, "x")}, nil},
	} {
		inBubble(t, name, func(t *testing.T) {
			b := newBench(t, true, tt.stored...)
			b.track(testPin(1, "never"))
			after(settle - time.Second)
			require.Empty(t, b.inner.told())
			after(2 * time.Second)
			require.Equal(t, tt.want, b.inner.told())
		})
	}
}

// A removal and a new value can be merged at the same time. Untrack then comes
// last, and finds a state that has neither.
func TestUntrackBetweenTrackAndCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, true)
		b.track(testPin(1, "x"))
		b.untrack(testCID(1))
		after(time.Second)
		b.state.put(testPin(1, "x"))
		after(maxSettlePause)
		require.Equal(t, []string{"pin x"}, b.inner.told())
	})
}

func TestStaleCallsOnRaft(t *testing.T) {
	for name, tt := range map[string]struct {
		stored []api.Pin
		call   func(*bench)
		want   []string
	}{
		"Track of what was removed":       {nil, func(b *bench) { b.track(testPin(1, "x")) }, []string{"unpin"}},
		"Track of an old value":           {[]api.Pin{testPin(1, "x")}, func(b *bench) { b.track(remotePin(1)) }, nil},
		"Untrack of what was pinned":      {[]api.Pin{testPin(1, "x")}, func(b *bench) { b.untrack(testCID(1)) }, nil},
		"Untrack of what was never there": {nil, func(b *bench) { b.untrack(testCID(1)) }, []string{"unpin"}},
	} {
		inBubble(t, name, func(t *testing.T) {
			b := newBench(t, false, tt.stored...)
			tt.call(b)
			after(time.Second)
			require.Equal(t, tt.want, b.inner.told())
		})
	}
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
			b := newBench(t, true, testPin(1, "x"))
			b.inner.start(testCID(1), api.TrackerStatusPinning)
			for range 3 {
				b.track(testPin(1, "y"))
				b.state.put(testPin(1, "y"))
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
			b := newBench(t, true, testPin(1, "x"), testPin(2, "x"), testPin(4, "gone"))
			b.ipfs.set(func(h *fakeHolder) { silence(h, true); delete(h.pins, testCID(2)) })
			for i := range 2 { // one is pinned, one is not
				b.track(testPin(i+1, "y"))
				b.state.put(testPin(i+1, "y"))
			}
			for i := 10; i < 200; i++ { // pins of others, which only IPFS can tell about
				b.track(remotePin(i))
				b.state.put(remotePin(i))
			}
			after(time.Minute)
			require.Empty(t, b.inner.told())
			size, err := b.PinQueueSize(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, 100+192, size)

			b.track(testPin(3, "new"))
			after(time.Second)
			b.state.put(testPin(3, "new"))
			b.state.rm(testCID(4))
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
		b := newBench(t, true, testPin(1, "x"))
		b.ipfs.set(func(h *fakeHolder) { h.frozen = true })
		b.track(testPin(1, "y"))
		b.state.put(testPin(1, "y"))
		after(time.Second)
		b.state.rm(testCID(1))
		b.untrack(testCID(1))
		after(0)
		require.Equal(t, []string{"unpin"}, b.inner.told())
		after(time.Minute)
		require.Empty(t, b.inner.told(), "the answer to the old question has no effect")
	})
}

func TestInnerTrackerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, false)
		b.inner.refuse = errors.New("queue is full")
		b.state.put(testPin(1, "x"))
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

func TestStateFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, false)
		b.state.fail = errors.New("closed")
		b.track(testPin(1, "x"))
		after(time.Minute)
		require.Empty(t, b.inner.told())
		b.state.put(testPin(1, "x"))
		b.state.mu.Lock()
		b.state.fail = nil
		b.state.mu.Unlock()
		after(lastRetry)
		require.Equal(t, []string{"pin x"}, b.inner.told())
	})
}

package wrap

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"
)

// record is an Observer that remembers.
type record struct {
	mu   sync.Mutex
	seen []string
}

func (r *record) Tracked(p api.Pin) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, "+"+p.Name)
}

func (r *record) Untracked(api.Cid) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, "-")
}

func TestObserverHearsEveryChangeAtOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		ahead bool
		want  []string
	}{
		"CRDT": {true, []string{"+x", "+y", "-", "+gone"}},
		"Raft": {false, []string{"+stored", "+stored", "-", "-"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &record{}
			state := newFakeState(testPin(1, "stored"))
			tracker := NewTracker(newFakeTracker(), TrackerOptions{
				Peer: self, State: state.state, Ahead: tt.ahead, Observer: r,
			})
			require.NoError(t, tracker.Track(t.Context(), testPin(1, "x")))
			require.NoError(t, tracker.Track(t.Context(), testPin(1, "y")))
			require.NoError(t, tracker.Untrack(t.Context(), testCID(1)))
			require.NoError(t, tracker.Track(t.Context(), testPin(2, "gone")))
			require.Equal(t, tt.want, r.seen)
			require.NoError(t, tracker.Shutdown(t.Context()), "it never ran")
		})
	}
}

func TestTrackerShutdownWithAFrozenIPFS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, false, testPin(1, "x"))
		b.ipfs.set(func(h *fakeHolder) { h.frozen = true })
		b.track(testPin(1, "y"))
		synctest.Wait()
		start := time.Now()
		require.NoError(t, b.Shutdown(t.Context()))
		require.NoError(t, b.Shutdown(t.Context()), "twice")
		require.Zero(t, time.Since(start))
		b.track(testPin(2, "late"))
	})
}

// Each CID goes through random changes from many goroutines. In the end the
// inner tracker has to agree with the state.
func TestTrackerConvergesUnderConcurrentChanges(t *testing.T) {
	for _, ahead := range []bool{true, false} {
		inBubble(t, fmt.Sprint("ahead ", ahead), func(t *testing.T) {
			b := newBench(t, ahead)
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() {
					for n := range 20 + i%3 {
						p := testPin(i, fmt.Sprint(n))
						switch {
						case n%3 == 2:
							b.state.rm(p.Cid)
							b.untrack(p.Cid)
						case ahead:
							b.track(p)
							time.Sleep(time.Duration(n) * time.Millisecond)
							b.state.put(p)
						default:
							b.state.put(p)
							b.track(p)
						}
						time.Sleep(time.Duration(i*n) % (7 * time.Millisecond))
					}
				})
			}
			wg.Wait()
			after(time.Minute)
			for i := range 50 {
				_, err := b.state.Get(t.Context(), testCID(i))
				want := api.TrackerStatusPinQueued
				if err != nil {
					want = api.TrackerStatusUnpinQueued
				}
				require.Equal(t, want, b.inner.Status(t.Context(), testCID(i)).Status, "%d", i)
			}
			require.Empty(t, b.queue.entries)
		})
	}
}

func TestQueueKeepsOneEntryForEachCID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, inner: newFakeTracker(), state: newFakeState(), ipfs: &fakeHolder{}}
		b.Tracker = NewTracker(b.inner, TrackerOptions{Peer: self, State: b.state.state, IPFS: b.ipfs})
		for i := range 1000 {
			b.track(testPin(i%2, fmt.Sprint(i)))
			b.state.put(testPin(i%2, fmt.Sprint(i)))
		}
		require.Len(t, b.queue.entries, 2)
		b.SetClient(nil)
		b.SetClient(nil)
		after(time.Second)
		require.Equal(t, []string{"pin 998", "pin 999"}, b.inner.told())
		require.NoError(t, b.Shutdown(context.Background()))
	})
}

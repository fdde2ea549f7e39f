package tracker

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

func TestTrackerShutdownWithAFrozenIPFS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fakes.Pin(1, "x"))
		b.ipfs.set(func(h *fakeHolder) { h.frozen = true })
		b.track(fakes.Pin(1, "y"))
		synctest.Wait()
		start := time.Now()
		require.NoError(t, b.Shutdown(t.Context()))
		require.NoError(t, b.Shutdown(t.Context()), "twice")
		require.Zero(t, time.Since(start))
		b.track(fakes.Pin(2, "late"))
	})
}

// Each CID goes through random changes from many goroutines. In the end the
// inner tracker has to agree with the state.
func TestTrackerConvergesUnderConcurrentChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				for n := range 20 + i%3 {
					if n%3 == 2 {
						b.untrack(fakes.CID(i))
					} else {
						b.track(fakes.Pin(i, fmt.Sprint(n)))
					}
					time.Sleep(time.Duration(i*n) % (7 * time.Millisecond))
				}
			})
		}
		wg.Wait()
		fakes.After(time.Minute)
		for i := range 50 {
			_, err := b.state.Get(t.Context(), fakes.CID(i))
			want := api.TrackerStatusPinQueued
			if err != nil {
				want = api.TrackerStatusUnpinQueued
			}
			require.Equal(t, want, b.inner.Status(t.Context(), fakes.CID(i)).Status, "%d", i)
		}
		require.Empty(t, b.queue.entries)
	})
}

func TestQueueKeepsOneEntryForEachCID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, inner: newFakeTracker(), state: fakes.NewState(), ipfs: &fakeHolder{}}
		b.Tracker = New(b.inner, Options{Peer: fakes.Self, State: b.state.Local, IPFS: b.ipfs})
		for i := range 1000 {
			b.track(fakes.Pin(i%2, fmt.Sprint(i)))
		}
		require.Len(t, b.queue.entries, 2)
		b.SetClient(nil)
		b.SetClient(nil)
		fakes.After(time.Second)
		require.Equal(t, []string{"pin 998", "pin 999"}, b.inner.told())
		require.NoError(t, b.Shutdown(context.Background()))
	})
}

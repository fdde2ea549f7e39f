package tracker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// recoverAll calls RecoverAll as the library's cluster does.
func (b *bench) recoverAll() error {
	out := make(chan api.PinInfo, 100)
	err := b.RecoverAll(b.t.Context(), out)
	for range out {
		continue
	}
	return err
}

func isRecovered(b *bench) bool {
	select {
	case <-b.Recovered():
		return true
	default:
		return false
	}
}

func TestRecoverAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fakes.Pin(1, "pinned"), fakes.Pin(6, "pinned just now"))
		for i, name := range []string{2: "lost", 3: "failed", 4: "in flight"} {
			if name != "" {
				b.state.Put(fakes.Pin(i, name))
			}
		}
		b.inner.statuses[fakes.CID(2)] = api.TrackerStatusUnexpectedlyUnpinned
		b.inner.start(fakes.CID(3), api.TrackerStatusPinError)
		b.inner.start(fakes.CID(4), api.TrackerStatusPinning)
		b.inner.start(fakes.CID(5), api.TrackerStatusUnpinError) // was removed
		b.ipfs.unlisted = fakes.CID(6)

		out := make(chan api.PinInfo, 100)
		require.NoError(t, b.RecoverAll(t.Context(), out))
		got := make(map[api.Cid]api.TrackerStatus)
		for info := range out {
			got[info.Cid] = info.Status
		}
		require.Equal(t, map[api.Cid]api.TrackerStatus{
			fakes.CID(2): api.TrackerStatusPinQueued,
			fakes.CID(3): api.TrackerStatusPinQueued,
			fakes.CID(5): api.TrackerStatusUnpinQueued,
			fakes.CID(6): api.TrackerStatusPinQueued,
		}, got)
		require.True(t, isRecovered(b))
		fakes.After(time.Second)
		require.Equal(t, []string{"pin failed", "pin lost", "unpin"}, b.inner.told())
		require.Empty(t, b.queue.entries)
	})
}

func TestRecoverAllWhileIPFSIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.state.Put(fakes.Pin(1, "lost"))
		b.inner.statuses[fakes.CID(1)] = api.TrackerStatusUnexpectedlyUnpinned
		away := errors.New("IPFS is away")
		b.ipfs.listFail = away
		require.ErrorIs(t, b.recoverAll(), away)
		fakes.After(10 * time.Minute)
		require.False(t, isRecovered(b))

		b.inner.mu.Lock()
		b.ipfs.listFail = nil
		b.inner.mu.Unlock()
		fakes.After(maxSweepBackoff + time.Second)
		require.True(t, isRecovered(b), "it tries again by itself")
		require.Equal(t, []string{"pin lost"}, b.inner.told())

		b.inner.end(fakes.CID(1), true)
		fakes.After(time.Hour)
		require.Empty(t, b.inner.told(), "and then no more")
	})
}

func TestRecoverAllRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		runs := 0
		b.sweeps.compare = func() ([]api.PinInfo, error) {
			runs++
			time.Sleep(time.Second)
			return nil, nil
		}
		for range 5 {
			go b.recoverAll()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, b.RecoverAll(ctx, make(chan api.PinInfo)), context.DeadlineExceeded)
		fakes.After(2 * time.Second)
		require.Equal(t, 1, runs)
		require.NoError(t, b.recoverAll())
		require.Equal(t, 2, runs)
	})
}

func TestRecoverAllWithAFrozenReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.state.Put(fakes.Pin(1, "lost"))
		b.inner.statuses[fakes.CID(1)] = api.TrackerStatusUnexpectedlyUnpinned
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() { failed <- b.RecoverAll(ctx, make(chan api.PinInfo)) }()
		fakes.After(time.Second)
		require.Equal(t, []string{"pin lost"}, b.inner.told())
		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
	})
}

func TestRecover(t *testing.T) {
	for name, tt := range map[string]struct {
		status api.TrackerStatus
		op     bool
		want   api.TrackerStatus
		told   []string
	}{
		"failed":       {api.TrackerStatusPinError, true, api.TrackerStatusPinQueued, []string{"pin x"}},
		"lost":         {api.TrackerStatusUnexpectedlyUnpinned, false, api.TrackerStatusPinQueued, []string{"pin x"}},
		"pinned":       {api.TrackerStatusPinned, false, api.TrackerStatusPinned, nil},
		"in flight":    {api.TrackerStatusPinning, true, api.TrackerStatusPinning, nil},
		"not unpinned": {api.TrackerStatusUnpinError, true, api.TrackerStatusUnpinQueued, []string{"pin x"}},
	} {
		fakes.Bubble(t, name, func(t *testing.T) {
			b := newBench(t)
			b.state.Put(fakes.Pin(1, "x"))
			if tt.op {
				b.inner.start(fakes.CID(1), tt.status)
			} else {
				b.inner.statuses[fakes.CID(1)] = tt.status
			}
			info, err := b.Recover(t.Context(), fakes.CID(1))
			require.NoError(t, err)
			require.Equal(t, tt.want, info.Status)
			fakes.After(time.Second)
			require.Equal(t, tt.told, b.inner.told())
		})
	}
}

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
	"github.com/ipfs-cluster/pinsvc/pinset"
)

func TestStatusOfANotedPin(t *testing.T) {
	const (
		queued = api.TrackerStatusPinQueued
		failed = api.TrackerStatusPinError
	)
	for name, tt := range map[string]struct {
		inner api.TrackerStatus
		op    bool
		pin   api.Pin
		gone  bool
		want  api.TrackerStatus
	}{
		"unknown to the inner tracker":   {api.TrackerStatusUnpinned, false, fakes.Pin(1, "x"), false, queued},
		"missing at IPFS":                {api.TrackerStatusUnexpectedlyUnpinned, false, fakes.Pin(1, "x"), false, queued},
		"failed before":                  {failed, true, fakes.Pin(1, "x"), false, queued},
		"about to be removed before":     {api.TrackerStatusUnpinning, true, fakes.Pin(1, "x"), false, queued},
		"pinned":                         {api.TrackerStatusPinned, false, fakes.Pin(1, "x"), false, api.TrackerStatusPinned},
		"in flight":                      {api.TrackerStatusPinning, true, fakes.Pin(1, "x"), false, api.TrackerStatusPinning},
		"IPFS does not answer":           {api.TrackerStatusClusterError, false, fakes.Pin(1, "x"), false, api.TrackerStatusClusterError},
		"of others":                      {api.TrackerStatusRemote, false, fakes.RemotePin(1), false, api.TrackerStatusRemote},
		"of others and being unpinned":   {api.TrackerStatusUnpinning, true, fakes.RemotePin(1), false, api.TrackerStatusUnpinning},
		"removed":                        {api.TrackerStatusUnpinned, false, fakes.Pin(1, "x"), true, api.TrackerStatusUnpinned},
		"removed after it had a failure": {failed, true, fakes.Pin(1, "x"), true, failed},
	} {
		fakes.Bubble(t, name, func(t *testing.T) {
			b := newIdleBench(t)
			if tt.op {
				b.inner.start(fakes.CID(1), tt.inner)
			} else {
				b.inner.statuses[fakes.CID(1)] = tt.inner
				b.state.Put(tt.pin)
			}
			b.track(tt.pin)
			if tt.gone {
				b.untrack(tt.pin.Cid)
			}
			info := b.Status(t.Context(), fakes.CID(1))
			require.Equal(t, tt.want, info.Status)
			if tt.want == queued {
				require.Equal(t, "x", info.Name)
				require.Equal(t, fakes.Self, info.Peer)
				require.Equal(t, "me", info.PeerName)
				require.Empty(t, info.Error)
			}
		})
	}
}

func TestStatusOfANewPinDoesNotNeedIPFS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.inner.statuses[fakes.CID(1)] = api.TrackerStatusClusterError
		b.track(fakes.Pin(1, "x"))
		fakes.After(time.Second)
		require.Equal(t, api.TrackerStatusPinQueued, b.Status(t.Context(), fakes.CID(1)).Status)
	})
}

func TestStatusAll(t *testing.T) {
	updated := func(i int) api.Pin { // long after it was created
		p := fakes.Pin(i, "updated")
		p.Metadata = map[string]string{pinset.CreatedKey: "1999-01-01T00:00:00.000Z"}
		return p
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fakes.Pin(1, "pinned"))
		require.NoError(t, b.recoverAll())
		b.inner.start(fakes.CID(2), api.TrackerStatusPinning)
		b.inner.start(fakes.CID(3), api.TrackerStatusPinError)
		b.inner.start(fakes.CID(4), api.TrackerStatusPinError)
		b.state.Put(fakes.Pin(2, "pinning"))
		b.state.Put(fakes.Pin(3, "failed"))
		b.state.Put(fakes.Pin(5, "before"))
		b.ipfs.pins[fakes.CID(5)] = api.IPFSPinStatusRecursive
		for _, p := range []api.Pin{fakes.Pin(4, "retried"), updated(5), fakes.Pin(6, "new"), fakes.RemotePin(7)} {
			b.track(p)
		}
		fakes.After(0)

		for name, tt := range map[string]struct {
			filter api.TrackerStatus
			want   []string
		}{
			"not pinned": {fakes.InMemory, []string{"2 pinning", "3 pin_error", "4 pin_queued", "6 pin_queued"}},
			"queued":     {api.TrackerStatusPinQueued, []string{"4 pin_queued", "6 pin_queued"}},
			"failed":     {api.TrackerStatusPinError, []string{"3 pin_error"}},
			"pinned":     {api.TrackerStatusPinned, []string{"1 pinned", "5 pinned"}},
			"remote":     {api.TrackerStatusRemote, []string{"7 remote"}},
			"not lost":   {api.TrackerStatusUnexpectedlyUnpinned, nil},
			"or lost":    {api.TrackerStatusUnexpectedlyUnpinned | api.TrackerStatusPinQueued, []string{"4 pin_queued", "6 pin_queued"}},
			"pinned or queued": {
				api.TrackerStatusPinned | api.TrackerStatusPinQueued, []string{"1 pinned", "4 pin_queued", "5 pinned", "6 pin_queued"},
			},
			"everything": {api.TrackerStatusUndefined, []string{"1 pinned", "2 pinning", "3 pin_error", "4 pin_queued", "5 pinned", "6 pin_queued", "7 remote"}},
		} {
			list, err := b.list(tt.filter)
			require.NoError(t, err, name)
			require.Equal(t, tt.want, list, name)
		}
	})
}

// frozenReader asks for statuses and reads none of them.
func frozenReader(ctx context.Context, b *bench, filter api.TrackerStatus) <-chan error {
	failed := make(chan error, 1)
	go func() { failed <- b.StatusAll(ctx, filter, make(chan api.PinInfo)) }()
	return failed
}

func TestFrozenReaderHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		require.NoError(t, b.recoverAll())
		for i := range 3000 {
			b.inner.start(fakes.CID(i), api.TrackerStatusPinQueued)
		}
		ctx, cancel := context.WithCancel(t.Context())
		failed := frozenReader(ctx, b, fakes.InMemory)
		synctest.Wait()

		b.track(fakes.Pin(5000, "x"))
		fakes.After(time.Second)
		require.Equal(t, []string{"pin x"}, b.inner.told())

		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
	})
}

func TestStatusAllEndsWithTheTracker(t *testing.T) {
	for name, filter := range map[string]api.TrackerStatus{
		"from memory": fakes.InMemory, "from IPFS": api.TrackerStatusUndefined,
	} {
		fakes.Bubble(t, name, func(t *testing.T) {
			b := newBench(t, fakes.Pin(1, "x"))
			b.inner.start(fakes.CID(2), api.TrackerStatusPinQueued)
			failed := frozenReader(t.Context(), b, filter)
			synctest.Wait()
			require.NoError(t, b.Shutdown(t.Context()))
			require.Error(t, <-failed)
		})
	}
}

func TestListOfQueuedPinsBeforeTheFirstComparison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fakes.Pin(1, "pinned"))
		b.state.Put(fakes.Pin(2, "lost"))
		b.inner.statuses[fakes.CID(2)] = api.TrackerStatusUnexpectedlyUnpinned
		b.inner.start(fakes.CID(3), api.TrackerStatusPinning)

		list, err := b.list(fakes.InMemory)
		require.ErrorIs(t, err, pinset.ErrNotCompared)
		require.Equal(t, []string{"3 pinning"}, list, "what is known is sent all the same")
		_, err = b.list(api.TrackerStatusPinError)
		require.NoError(t, err, "operations are all in memory")

		b.ipfs.set(func(h *fakeHolder) { h.frozen = true })
		require.NoError(t, b.recoverAll())
		list, err = b.list(fakes.InMemory)
		require.NoError(t, err)
		require.Equal(t, []string{"2 pin_queued", "3 pinning"}, list)
	})
}

func TestListWaitsALittleForAComparison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.state.Put(fakes.Pin(2, "lost"))
		b.inner.statuses[fakes.CID(2)] = api.TrackerStatusUnexpectedlyUnpinned
		b.sweeps.compare = func() ([]api.PinInfo, error) {
			time.Sleep(2*compareWait - time.Millisecond)
			return b.compare()
		}
		go b.recoverAll()
		synctest.Wait()
		_, err := b.list(fakes.InMemory)
		require.ErrorIs(t, err, pinset.ErrNotCompared)
		list, err := b.list(fakes.InMemory)
		require.NoError(t, err)
		require.Equal(t, []string{"2 pin_queued"}, list)
	})
}

func TestStatusAllPassesErrorsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.ipfs.listFail = errors.New("IPFS is away")
		_, err := b.list(api.TrackerStatusPinned)
		require.ErrorIs(t, err, b.ipfs.listFail)
	})
}

package wrap

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// inMemory is what an API asks for to learn what is not pinned.
const inMemory = api.TrackerStatusPinQueued | api.TrackerStatusPinning | api.TrackerStatusPinError |
	api.TrackerStatusUnpinQueued | api.TrackerStatusUnpinning | api.TrackerStatusUnpinError

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
		"unknown to the inner tracker":   {api.TrackerStatusUnpinned, false, testPin(1, "x"), false, queued},
		"missing at IPFS":                {api.TrackerStatusUnexpectedlyUnpinned, false, testPin(1, "x"), false, queued},
		"failed before":                  {failed, true, testPin(1, "x"), false, queued},
		"about to be removed before":     {api.TrackerStatusUnpinning, true, testPin(1, "x"), false, queued},
		"pinned":                         {api.TrackerStatusPinned, false, testPin(1, "x"), false, api.TrackerStatusPinned},
		"in flight":                      {api.TrackerStatusPinning, true, testPin(1, "x"), false, api.TrackerStatusPinning},
		"IPFS does not answer":           {api.TrackerStatusClusterError, false, testPin(1, "x"), false, api.TrackerStatusClusterError},
		"of others":                      {api.TrackerStatusRemote, false, remotePin(1), false, api.TrackerStatusRemote},
		"of others and being unpinned":   {api.TrackerStatusUnpinning, true, remotePin(1), false, api.TrackerStatusUnpinning},
		"removed":                        {api.TrackerStatusUnpinned, false, testPin(1, "x"), true, api.TrackerStatusUnpinned},
		"removed after it had a failure": {failed, true, testPin(1, "x"), true, failed},
	} {
		inBubble(t, name, func(t *testing.T) {
			b := newIdleBench(t)
			if tt.op {
				b.inner.start(testCID(1), tt.inner)
			} else {
				b.inner.statuses[testCID(1)] = tt.inner
				b.state.put(tt.pin)
			}
			b.track(tt.pin)
			if tt.gone {
				b.untrack(tt.pin.Cid)
			}
			info := b.Status(t.Context(), testCID(1))
			require.Equal(t, tt.want, info.Status)
			if tt.want == queued {
				require.Equal(t, "x", info.Name)
				require.Equal(t, self, info.Peer)
				require.Equal(t, "me", info.PeerName)
				require.Empty(t, info.Error)
			}
		})
	}
}

func TestStatusOfANewPinDoesNotNeedIPFS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.inner.statuses[testCID(1)] = api.TrackerStatusClusterError
		b.track(testPin(1, "x"))
		after(time.Second)
		require.Equal(t, api.TrackerStatusPinQueued, b.Status(t.Context(), testCID(1)).Status)
	})
}

func TestStatusAll(t *testing.T) {
	updated := func(i int) api.Pin { // long after it was created
		p := testPin(i, "updated")
		p.Metadata = map[string]string{pinset.CreatedKey: "1999-01-01T00:00:00.000Z"}
		return p
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, testPin(1, "pinned"))
		require.NoError(t, b.recoverAll())
		b.inner.start(testCID(2), api.TrackerStatusPinning)
		b.inner.start(testCID(3), api.TrackerStatusPinError)
		b.inner.start(testCID(4), api.TrackerStatusPinError)
		b.inner.statuses[testCID(5)] = api.TrackerStatusPinned
		b.state.put(testPin(5, "before"))
		b.ipfs.pins[testCID(5)] = api.IPFSPinStatusRecursive
		for _, p := range []api.Pin{testPin(4, "retried"), updated(5), testPin(6, "new"), remotePin(7)} {
			b.track(p)
		}
		after(0)

		for name, tt := range map[string]struct {
			filter api.TrackerStatus
			want   []string
		}{
			"not pinned": {inMemory, []string{"2 pinning", "3 pin_error", "4 pin_queued", "6 pin_queued"}},
			"queued":     {api.TrackerStatusPinQueued, []string{"4 pin_queued", "6 pin_queued"}},
			"failed":     {api.TrackerStatusPinError, []string{"3 pin_error"}},
			"pinned":     {api.TrackerStatusPinned, []string{"1 pinned", "5 pinned"}},
			"everything": {api.TrackerStatusUndefined, []string{"1 pinned", "2 pinning", "3 pin_error", "4 pin_queued", "5 pinned", "6 pin_queued"}},
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
			b.inner.start(testCID(i), api.TrackerStatusPinQueued)
		}
		ctx, cancel := context.WithCancel(t.Context())
		failed := frozenReader(ctx, b, inMemory)
		synctest.Wait()

		b.track(testPin(5000, "x"))
		after(time.Second)
		require.Equal(t, []string{"pin x"}, b.inner.told())

		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
	})
}

func TestStatusAllEndsWithTheTracker(t *testing.T) {
	for name, filter := range map[string]api.TrackerStatus{
		"from memory": inMemory, "from IPFS": api.TrackerStatusUndefined,
	} {
		inBubble(t, name, func(t *testing.T) {
			b := newBench(t, testPin(1, "x"))
			b.inner.start(testCID(2), api.TrackerStatusPinQueued)
			failed := frozenReader(t.Context(), b, filter)
			synctest.Wait()
			require.NoError(t, b.Shutdown(t.Context()))
			require.Error(t, <-failed)
		})
	}
}

func TestListOfQueuedPinsBeforeTheFirstComparison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, testPin(1, "pinned"))
		b.state.put(testPin(2, "lost"))
		b.inner.statuses[testCID(2)] = api.TrackerStatusUnexpectedlyUnpinned
		b.inner.start(testCID(3), api.TrackerStatusPinning)

		list, err := b.list(inMemory)
		require.ErrorIs(t, err, errNotCompared)
		require.Equal(t, []string{"3 pinning"}, list, "what is known is sent all the same")
		_, err = b.list(api.TrackerStatusPinError)
		require.NoError(t, err, "operations are all in memory")

		b.ipfs.set(func(h *fakeHolder) { h.frozen = true })
		require.NoError(t, b.recoverAll())
		list, err = b.list(inMemory)
		require.NoError(t, err)
		require.Equal(t, []string{"2 pin_queued", "3 pinning"}, list)
	})
}

func TestListWaitsALittleForAComparison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.state.put(testPin(2, "lost"))
		b.inner.statuses[testCID(2)] = api.TrackerStatusUnexpectedlyUnpinned
		b.passes.compare = func() ([]api.PinInfo, error) {
			time.Sleep(2*compareWait - time.Millisecond)
			return b.compare()
		}
		go b.recoverAll()
		synctest.Wait()
		_, err := b.list(inMemory)
		require.ErrorIs(t, err, errNotCompared)
		list, err := b.list(inMemory)
		require.NoError(t, err)
		require.Equal(t, []string{"2 pin_queued"}, list)
	})
}

func TestStatusAllPassesErrorsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.inner.listFail = errors.New("IPFS is away")
		_, err := b.list(api.TrackerStatusPinned)
		require.ErrorIs(t, err, b.inner.listFail)
	})
}

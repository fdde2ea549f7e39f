package tracker

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

func TestQuickStatus(t *testing.T) {
	const pinned, inner = api.TrackerStatusPinned, api.TrackerStatusClusterError
	direct := fakes.Pin(1, "x")
	direct.MaxDepth = 0
	root := fakes.Pin(1, "x")
	root.Type = api.MetaType
	unpinning := func(b *bench) { b.inner.start(fakes.CID(1), api.TrackerStatusUnpinning) }
	untracked := func(b *bench) { b.untrack(fakes.CID(1)) }
	holder := func(edit func(*fakeHolder)) func(*bench) { return func(b *bench) { b.ipfs.set(edit) } }
	for name, tt := range map[string]struct {
		pin   api.Pin
		seen  api.IPFSPinStatus
		begin func(*bench) // what begins after it was seen
		want  api.TrackerStatus
		asked int // questions to the node, -1: any number
	}{
		"seen":                   {fakes.Pin(1, "x"), api.IPFSPinStatusRecursive, nil, pinned, 0},
		"not seen":               {fakes.Pin(1, "x"), 0, nil, pinned, 1},
		"not there":              {fakes.Pin(1, "x"), 0, holder(func(h *fakeHolder) { clear(h.pins) }), inner, 1},
		"away":                   {fakes.Pin(1, "x"), 0, holder(func(h *fakeHolder) { h.away = true }), inner, 1},
		"seen in another way":    {direct, api.IPFSPinStatusRecursive, nil, inner, 1},
		"of others":              {fakes.RemotePin(1), api.IPFSPinStatusRecursive, nil, inner, 0},
		"a root":                 {root, api.IPFSPinStatusRecursive, nil, inner, 0},
		"an operation is on":     {fakes.Pin(1, "x"), api.IPFSPinStatusRecursive, unpinning, api.TrackerStatusUnpinning, 0},
		"not seen, an operation": {fakes.Pin(1, "x"), 0, unpinning, api.TrackerStatusUnpinning, 0},
		"about to be unpinned":   {fakes.Pin(1, "x"), api.IPFSPinStatusRecursive, untracked, api.TrackerStatusUnpinQueued, -1},
	} {
		fakes.Bubble(t, name, func(t *testing.T) {
			b := newBench(t, fakes.AsStored(tt.pin))
			b.inner.statuses[fakes.CID(1)] = inner // the inner tracker's own answer
			b.options.Verified = func(api.Cid) (api.IPFSPinStatus, bool) { return tt.seen, tt.seen != 0 }
			if tt.begin != nil {
				tt.begin(b)
			}
			synctest.Wait() // for workers: which of them was faster decides nothing
			before := b.ipfs.questions()
			info := b.QuickStatus(t.Context(), fakes.AsStored(tt.pin))
			require.Equal(t, tt.want, info.Status)
			if tt.asked >= 0 {
				require.Equal(t, tt.asked, b.ipfs.questions()-before)
			}
			if tt.want == pinned {
				require.Equal(t, "x", info.Name)
				require.Equal(t, fakes.Self, info.Peer)
				require.Equal(t, "me", info.PeerName)
			}
		})
	}
}

// holderFunc is a Holder.
type holderFunc func(context.Context, api.Pin) (api.IPFSPinStatus, error)

func (f holderFunc) PinLs(_ context.Context, _ []string, out chan<- api.IPFSPinInfo) error {
	close(out)
	return nil
}

func (f holderFunc) PinLsCid(ctx context.Context, p api.Pin) (api.IPFSPinStatus, error) {
	return f(ctx, p)
}

// TestQuickStatusBesideOperation: an operation that begins while the node is asked
// counts.
func TestQuickStatusBesideOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pin := fakes.Pin(1, "x")
		b := newBench(t, pin)
		b.options.IPFS = holderFunc(func(context.Context, api.Pin) (api.IPFSPinStatus, error) {
			b.inner.start(fakes.CID(1), api.TrackerStatusPinning)
			return api.IPFSPinStatusRecursive, nil
		})
		require.Equal(t, api.TrackerStatusPinning, b.QuickStatus(t.Context(), fakes.AsStored(pin)).Status)
	})
}

// TestQuickStatusBesideUnpin: a pin that is removed, and unpinned to the end,
// while its status is put together is not pinned.
func TestQuickStatusBesideUnpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pin := fakes.Pin(1, "x")
		b := newBench(t, pin)
		local := true
		b.options.Verified = func(c api.Cid) (api.IPFSPinStatus, bool) {
			if !local {
				return api.IPFSPinStatusBug, false
			}
			local = false
			b.untrack(c)
			synctest.Wait()
			b.inner.end(c, true)
			b.inner.statuses[c] = api.TrackerStatusUnpinned
			b.ipfs.set(func(h *fakeHolder) { delete(h.pins, c) })
			return api.IPFSPinStatusRecursive, true
		}
		require.Equal(t, api.TrackerStatusUnpinned, b.QuickStatus(t.Context(), fakes.AsStored(pin)).Status)
	})
}

// TestQuickStatusOfALostValue: a removal of one of several values leaves a pin
// that is pinned, as soon as that is known.
func TestQuickStatusOfALostValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pin := fakes.Pin(1, "x")
		b := newBench(t, pin)
		b.options.Verified = func(api.Cid) (api.IPFSPinStatus, bool) { return api.IPFSPinStatusRecursive, true }
		b.track(fakes.Pin(1, "another value"))
		require.Equal(t, api.TrackerStatusPinned, b.QuickStatus(t.Context(), fakes.AsStored(pin)).Status)
		synctest.Wait()
		require.Equal(t, api.TrackerStatusPinned, b.QuickStatus(t.Context(), fakes.AsStored(pin)).Status)
		require.Empty(t, b.inner.told())
	})
}

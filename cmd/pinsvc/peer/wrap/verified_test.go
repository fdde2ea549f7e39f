package wrap

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"
)

// TestVerified: what was pinned is known for a moment without the node, unless
// it was unpinned, or the node is away.
func TestVerified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIPFS()
		c := connected(t, f)
		pin := api.PinWithOpts(testCID(1), api.PinOptions{})
		known := func(want bool, why string) {
			t.Helper()
			status, ok := c.Verified(testCID(1))
			require.Equal(t, want, ok, why)
			require.Equal(t, want, status == api.IPFSPinStatusRecursive, why)
		}
		known(false, "nobody has pinned it")
		require.NoError(t, c.Pin(t.Context(), pin))
		known(true, "it was pinned")
		time.Sleep(verifiedTime - time.Millisecond)
		known(true, "a moment ago")
		before := f.count("ls")
		_, err := c.PinLsCid(t.Context(), pin)
		require.NoError(t, err)
		require.Equal(t, 1, f.count("ls")-before, "who asks the node gets its answer")
		time.Sleep(time.Millisecond)
		known(false, "that was long ago")

		require.NoError(t, c.Pin(t.Context(), pin))
		require.NoError(t, c.Unpin(t.Context(), testCID(1)))
		known(false, "it was unpinned")

		require.NoError(t, c.Pin(t.Context(), pin))
		f.set(func(f *fakeIPFS) { f.mode = "away" })
		_, err = c.PinLsCid(t.Context(), pin)
		require.Error(t, err)
		require.Eventually(t, c.node.away, time.Second, time.Millisecond)
		known(false, "the node is away")
	})
}

// TestVerifiedBesideUnpin: an answer from before an unpin is not remembered
// after it.
func TestVerifiedBesideUnpin(t *testing.T) {
	var v verified
	begun := v.begin(testCID(1))
	v.forget(testCID(1))
	v.saw(testCID(1), api.IPFSPinStatusRecursive, begun)
	_, ok := v.get(testCID(1))
	require.False(t, ok)
	v.saw(testCID(1), api.IPFSPinStatusRecursive, v.begin(testCID(1)))
	_, ok = v.get(testCID(1))
	require.True(t, ok)
	v.begin(testCID(1))
	_, ok = v.get(testCID(1))
	require.False(t, ok, "it is being pinned again")
}

func TestQuickStatus(t *testing.T) {
	const pinned, inner = api.TrackerStatusPinned, api.TrackerStatusClusterError
	direct := testPin(1, "x")
	direct.MaxDepth = 0
	root := testPin(1, "x")
	root.Type = api.MetaType
	unpinning := func(b *bench) { b.inner.start(testCID(1), api.TrackerStatusUnpinning) }
	untracked := func(b *bench) { b.untrack(testCID(1)) }
	holder := func(edit func(*fakeHolder)) func(*bench) { return func(b *bench) { b.ipfs.set(edit) } }
	for name, tt := range map[string]struct {
		pin   api.Pin
		seen  api.IPFSPinStatus
		begin func(*bench) // what begins after it was seen
		want  api.TrackerStatus
		asked int // questions to the node, -1: any number
	}{
		"seen":                   {testPin(1, "x"), api.IPFSPinStatusRecursive, nil, pinned, 0},
		"not seen":               {testPin(1, "x"), 0, nil, pinned, 1},
		"not there":              {testPin(1, "x"), 0, holder(func(h *fakeHolder) { clear(h.pins) }), inner, 1},
		"away":                   {testPin(1, "x"), 0, holder(func(h *fakeHolder) { h.away = true }), inner, 1},
		"seen in another way":    {direct, api.IPFSPinStatusRecursive, nil, inner, 1},
		"of others":              {remotePin(1), api.IPFSPinStatusRecursive, nil, inner, 0},
		"a root":                 {root, api.IPFSPinStatusRecursive, nil, inner, 0},
		"an operation is on":     {testPin(1, "x"), api.IPFSPinStatusRecursive, unpinning, api.TrackerStatusUnpinning, 0},
		"not seen, an operation": {testPin(1, "x"), 0, unpinning, api.TrackerStatusUnpinning, 0},
		"about to be unpinned":   {testPin(1, "x"), api.IPFSPinStatusRecursive, untracked, api.TrackerStatusUnpinQueued, -1},
	} {
		inBubble(t, name, func(t *testing.T) {
			b := newBench(t, asStored(tt.pin))
			b.inner.statuses[testCID(1)] = inner // the inner tracker's own answer
			b.options.Verified = func(api.Cid) (api.IPFSPinStatus, bool) { return tt.seen, tt.seen != 0 }
			if tt.begin != nil {
				tt.begin(b)
			}
			synctest.Wait() // for workers: which of them was faster decides nothing
			before := b.ipfs.questions()
			info := b.QuickStatus(t.Context(), asStored(tt.pin))
			require.Equal(t, tt.want, info.Status)
			if tt.asked >= 0 {
				require.Equal(t, tt.asked, b.ipfs.questions()-before)
			}
			if tt.want == pinned {
				require.Equal(t, "x", info.Name)
				require.Equal(t, self, info.Peer)
				require.Equal(t, "me", info.PeerName)
			}
		})
	}
}

// holderFunc is a Holder.
type holderFunc func(context.Context, api.Pin) (api.IPFSPinStatus, error)

func (f holderFunc) PinLsCid(ctx context.Context, p api.Pin) (api.IPFSPinStatus, error) {
	return f(ctx, p)
}

// TestQuickStatusBesideOperation: an operation that begins while the node is asked
// counts.
func TestQuickStatusBesideOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pin := testPin(1, "x")
		b := newBench(t, pin)
		b.options.IPFS = holderFunc(func(context.Context, api.Pin) (api.IPFSPinStatus, error) {
			b.inner.start(testCID(1), api.TrackerStatusPinning)
			return api.IPFSPinStatusRecursive, nil
		})
		require.Equal(t, api.TrackerStatusPinning, b.QuickStatus(t.Context(), asStored(pin)).Status)
	})
}

// TestQuickStatusBesideUnpin: a pin that is removed, and unpinned to the end,
// while its status is put together is not pinned.
func TestQuickStatusBesideUnpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pin := testPin(1, "x")
		b := newBench(t, pin)
		here := true
		b.options.Verified = func(c api.Cid) (api.IPFSPinStatus, bool) {
			if !here {
				return api.IPFSPinStatusBug, false
			}
			here = false
			b.untrack(c)
			synctest.Wait()
			b.inner.end(c, true)
			b.inner.statuses[c] = api.TrackerStatusUnpinned
			b.ipfs.set(func(h *fakeHolder) { delete(h.pins, c) })
			return api.IPFSPinStatusRecursive, true
		}
		require.Equal(t, api.TrackerStatusUnpinned, b.QuickStatus(t.Context(), asStored(pin)).Status)
	})
}

// TestQuickStatusOfALostValue: a removal of one of several values leaves a pin
// that is pinned, as soon as that is known.
func TestQuickStatusOfALostValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pin := testPin(1, "x")
		b := newBench(t, pin)
		b.options.Verified = func(api.Cid) (api.IPFSPinStatus, bool) { return api.IPFSPinStatusRecursive, true }
		b.track(testPin(1, "another value"))
		require.Equal(t, api.TrackerStatusPinned, b.QuickStatus(t.Context(), asStored(pin)).Status)
		synctest.Wait()
		require.Equal(t, api.TrackerStatusPinned, b.QuickStatus(t.Context(), asStored(pin)).Status)
		require.Empty(t, b.inner.told())
	})
}

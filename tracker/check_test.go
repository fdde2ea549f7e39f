package tracker

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// fakeChecker notes what is to be checked.
type fakeChecker struct {
	mu   sync.Mutex
	cids []cid.Cid
	all  int
}

func (f *fakeChecker) Check(c cid.Cid) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cids = append(f.cids, c)
}

func (f *fakeChecker) CheckAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all++
}

func TestPinnedPinsAreChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fakes.Pin(1, "x"))
		checker := &fakeChecker{}
		b.options.Checker = checker
		b.state.Put(fakes.Pin(2, "new"))
		b.inner.statuses[fakes.CID(3)] = api.TrackerStatusPinning

		b.track(fakes.Pin(1, "x"))
		fakes.After(time.Second)
		require.Equal(t, []cid.Cid{fakes.CID(1).Cid}, checker.cids, "sent again")
		require.Empty(t, b.inner.told())

		b.track(fakes.Pin(2, "new"))
		fakes.After(time.Second)
		require.Len(t, checker.cids, 1, "what is not pinned has nothing to check")

		for i, want := range []int{1: 2, 3: 2} {
			if want == 0 {
				continue
			}
			_, err := b.Recover(t.Context(), fakes.CID(i))
			require.NoError(t, err)
			require.Len(t, checker.cids, want)
		}

		require.NoError(t, b.recoverAll())
		require.Equal(t, 1, checker.all)
		out := make(chan api.PinInfo, 10)
		require.NoError(t, b.RecoverAll(Automatic(t.Context()), out))
		require.Equal(t, 1, checker.all, "the cluster's own comparison reads no blocks")
	})
}

func TestRepair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fakes.Pin(1, "x"), fakes.RemotePin(2))
		meta := fakes.Pin(3, "parts")
		meta.Type = api.MetaType
		b.state.Put(meta)
		b.ipfs.set(func(h *fakeHolder) { delete(h.pins, fakes.CID(1)) })
		b.inner.statuses[fakes.CID(1)] = api.TrackerStatusUnexpectedlyUnpinned

		require.True(t, b.Repair(fakes.CID(1)))
		require.Equal(t, api.TrackerStatusPinQueued, b.Status(t.Context(), fakes.CID(1)).Status)
		fakes.After(time.Second)
		require.Equal(t, []string{"pin x"}, b.inner.told())
		for _, i := range []int{2, 3, 4} {
			require.False(t, b.Repair(fakes.CID(i)), i)
		}
		fakes.After(time.Second)
		require.Empty(t, b.inner.told(), "what is not this peer's is not touched")
	})
}

// A pin that is being fetched goes on with the origins that it is sent again with.
func TestOriginsOfAPinUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var told []api.Pin
		b.options.Origins = func(p api.Pin) { told = append(told, p) }
		b.state.Put(fakes.Pin(1, "again"))
		b.inner.start(fakes.CID(1), api.TrackerStatusPinning)
		b.track(fakes.Pin(1, "again"))
		fakes.After(time.Second)
		require.Len(t, told, 1)
		require.Equal(t, "again", told[0].Name)
		require.Empty(t, b.inner.told())
	})
}

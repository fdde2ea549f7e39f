package wrap

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"
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
		b := newBench(t, testPin(1, "x"))
		checker := &fakeChecker{}
		b.options.Checker = checker
		b.state.put(testPin(2, "new"))
		b.inner.statuses[testCID(3)] = api.TrackerStatusPinning

		b.track(testPin(1, "x"))
		after(time.Second)
		require.Equal(t, []cid.Cid{testCID(1).Cid}, checker.cids, "sent again")
		require.Empty(t, b.inner.told())

		b.track(testPin(2, "new"))
		after(time.Second)
		require.Len(t, checker.cids, 1, "what is not pinned has nothing to check")

		for i, want := range []int{1: 2, 3: 2} {
			if want == 0 {
				continue
			}
			_, err := b.Recover(t.Context(), testCID(i))
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
		b := newBench(t, testPin(1, "x"), remotePin(2))
		meta := testPin(3, "parts")
		meta.Type = api.MetaType
		b.state.put(meta)
		b.ipfs.set(func(h *fakeHolder) { delete(h.pins, testCID(1)) })
		b.inner.statuses[testCID(1)] = api.TrackerStatusUnexpectedlyUnpinned

		require.True(t, b.Repair(testCID(1)))
		require.Equal(t, api.TrackerStatusPinQueued, b.Status(t.Context(), testCID(1)).Status)
		after(time.Second)
		require.Equal(t, []string{"pin x"}, b.inner.told())
		for _, i := range []int{2, 3, 4} {
			require.False(t, b.Repair(testCID(i)), i)
		}
		after(time.Second)
		require.Empty(t, b.inner.told(), "what is not this peer's is not touched")
	})
}

// A pin that is being fetched goes on with the origins that it is sent again with.
func TestOriginsOfAPinUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var told []api.Pin
		b.options.Origins = func(p api.Pin) { told = append(told, p) }
		b.state.put(testPin(1, "again"))
		b.inner.start(testCID(1), api.TrackerStatusPinning)
		b.track(testPin(1, "again"))
		after(time.Second)
		require.Len(t, told, 1)
		require.Equal(t, "again", told[0].Name)
		require.Empty(t, b.inner.told())
	})
}

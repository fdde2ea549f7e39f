package tracker

import (
	"testing"
	"testing/synctest"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// TestProgress: a status and both kinds of lists tell how far a pin is that is
// being fetched, and nothing of others.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.options.Progress = func(c cid.Cid) (blocks, bytes uint64, ok bool) {
			return 1234, 3 << 30, c != fakes.CID(2).Cid
		}
		require.NoError(t, b.recoverAll())
		for i, s := range []api.TrackerStatus{api.TrackerStatusPinError, api.TrackerStatusPinning, api.TrackerStatusPinning} {
			b.state.Put(fakes.Pin(i, ""))
			b.inner.start(fakes.CID(i), s)
		}
		want := map[api.Cid]string{fakes.CID(0): "", fakes.CID(1): "1,234 blocks, 3.0 GiB so far", fakes.CID(2): ""}
		for c, words := range want {
			require.Equal(t, words, b.Status(t.Context(), c).Error)
		}
		for _, filter := range []api.TrackerStatus{fakes.InMemory, api.TrackerStatusUndefined} {
			out := make(chan api.PinInfo, 10)
			require.NoError(t, b.StatusAll(t.Context(), filter, out))
			got := make(map[api.Cid]string)
			for info := range out {
				got[info.Cid] = info.Error
			}
			require.Equal(t, want, got)
		}
	})
}

func TestProgressWords(t *testing.T) {
	failed := api.PinInfo{PinInfoShort: api.PinInfoShort{Status: api.TrackerStatusPinning, Error: "words"}}
	tracker := &Tracker{options: Options{Progress: func(cid.Cid) (blocks, bytes uint64, ok bool) { return 1, 5, true }}}
	require.Equal(t, "words", tracker.withProgress(failed).Error, "what is there stays")
	failed.Error = ""
	require.Equal(t, "1 block, 5 B so far", tracker.withProgress(failed).Error)
	require.Empty(t, (&Tracker{}).withProgress(failed).Error, "without a source of progress")
	require.Equal(t, "2 blocks so far", progressWords(2, 0), "the size is not known")
	require.Equal(t, "0 blocks, 0 B so far", progressWords(0, 0))
}

package components

import (
	"context"
	"sync/atomic"
	"testing"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// countingConsensus counts the reads of single pins from its state.
type countingConsensus struct {
	ipfscluster.Consensus
	reads *atomic.Int64
}

func (c countingConsensus) State(ctx context.Context) (state.ReadOnly, error) {
	st, err := c.Consensus.State(ctx)
	return countingState{st, c.reads}, err
}

type countingState struct {
	state.ReadOnly
	reads *atomic.Int64
}

func (s countingState) Get(ctx context.Context, c api.Cid) (api.Pin, error) {
	s.reads.Add(1)
	return s.ReadOnly.Get(ctx, c)
}

// TestAWriteReadsTheStateOnce: the consensus and the tracker together read the state once
// for a write and the status in its answer, also when the pin is pinned already and its
// update waits for a worker.
func TestAWriteReadsTheStateOnce(t *testing.T) {
	everyKind(t, func(t *testing.T, r *rig) {
		reads := &r.reads
		post := func(name string, want ...api.TrackerStatus) {
			t.Helper()
			pin := fakes.Pin(1, name)
			before := reads.Load()
			r.pin(pin)
			status := r.tracker.QuickStatus(t.Context(), pin).Status
			require.Contains(t, want, status)
			require.Equal(t, int64(1), reads.Load()-before, "reads of the state for %s, which is %s", name, status)
		}
		r.ipfs.Set(func(f *fakes.IPFS) { f.Hangs = func(api.Pin) bool { return true } })
		waits := []api.TrackerStatus{api.TrackerStatusPinQueued, api.TrackerStatusPinning}
		post("a new pin", waits...)
		r.becomes(1, api.TrackerStatusPinning)
		post("an update of one that is being pinned", waits...)
		r.ipfs.Set(func(f *fakes.IPFS) { f.Pins[fakes.CID(2)] = api.IPFSPinStatusRecursive })
		r.pin(fakes.Pin(2, "x"))
		r.becomes(2, api.TrackerStatusPinned)
		for range 20 { // the workers may be faster, or slower
			before := reads.Load()
			r.pin(fakes.Pin(2, "an update of a pinned one"))
			require.Equal(t, api.TrackerStatusPinned, r.tracker.QuickStatus(t.Context(), fakes.Pin(2, "x")).Status)
			require.Equal(t, int64(1), reads.Load()-before)
		}
	})
}

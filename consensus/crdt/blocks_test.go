package crdt

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs-cluster/ipfs-cluster/state/dsstate"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	"github.com/stretchr/testify/require"
)

// witness is a datastore that notes listings of blocks and uses after its end.
type witness struct {
	datastore.Batching

	mu     sync.Mutex
	closed bool
	late   int // calls after Close
	listed int // queries of the blocks
}

func (w *witness) note(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		w.late++
	}
	f()
}

func (w *witness) Get(ctx context.Context, k datastore.Key) ([]byte, error) {
	w.note(func() {})
	return w.Batching.Get(ctx, k)
}

func (w *witness) Has(ctx context.Context, k datastore.Key) (bool, error) {
	w.note(func() {})
	return w.Batching.Has(ctx, k)
}

func (w *witness) Query(ctx context.Context, q query.Query) (query.Results, error) {
	w.note(func() {
		if strings.Contains(q.Prefix, "/b/") || strings.HasSuffix(q.Prefix, "/b") {
			w.listed++
		}
	})
	return w.Batching.Query(ctx, q)
}

func (w *witness) Close() error {
	w.note(func() { w.closed = true })
	return nil
}

// TestOfflineEnds: after an offline use nothing reads the datastore any more,
// and nothing has listed its blocks.
func TestOfflineEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &witness{Batching: inmem.New().(datastore.Batching)}
		for range 3 {
			w.closed = false
			set, done, err := OpenOffline(w, datastore.NewKey("/c"))
			require.NoError(t, err)
			st, err := dsstate.New(t.Context(), set, "", dsstate.DefaultHandle())
			require.NoError(t, err)
			require.NoError(t, st.Add(t.Context(), api.PinCid(testCID(1))))
			synctest.Wait()
			require.NoError(t, done())
			synctest.Wait()
		}
		require.Zero(t, w.listed)
		require.Zero(t, w.late)
	})
}

// TestRunningEnds is the same for a peer that runs.
func TestRunningEnds(t *testing.T) {
	t.Parallel()
	w := &witness{Batching: inmem.New().(datastore.Batching)}
	r := newRig(t, rigOptions{store: w, walked: true}) // a walk lists them, too
	r.pin(0, 10)
	ours := r.Consensus.(*Replica)
	require.NoError(t, r.Shutdown(t.Context()))
	require.NoError(t, w.Close())
	require.Zero(t, w.listed)
	// What bitswap does for another peer, at any time after.
	_, err := ours.dag.BlockStore().Get(t.Context(), testCID(1).Cid)
	require.ErrorIs(t, err, errStopped)
	_, err = ours.dag.BlockStore().GetSize(t.Context(), testCID(1).Cid)
	require.ErrorIs(t, err, errStopped)
	_, err = ours.dag.BlockStore().Has(t.Context(), testCID(1).Cid)
	require.ErrorIs(t, err, errStopped)
	require.ErrorIs(t, ours.dag.BlockStore().Put(t.Context(), blocks.NewBlock([]byte("late"))), errStopped)
	require.Zero(t, w.late)
}

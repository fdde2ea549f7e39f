package embedded

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// forget makes a node's block streams look old, so that their blocks are garbage.
func forget(n *Node) {
	n.streams.mu.Lock()
	defer n.streams.mu.Unlock()
	clear(n.streams.all)
}

func TestGC(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	kept := wide("kept", 50, 100, 8)
	garbage := wide("garbage", 50, 100, 8)
	once := rawBlock("direct", 100)
	limited := chain("limited", 4)
	for _, bs := range [][]blocks.Block{kept, garbage, {once}, limited} {
		load(t, n, bs...)
	}
	require.NoError(t, n.Pin(t.Context(), pinOf(kept.root(), nil)))
	require.NoError(t, n.Pin(t.Context(), depthPin(once.Cid(), 0, nil)))
	require.NoError(t, n.Pin(t.Context(), depthPin(limited.root(), 1, nil)))

	report, err := n.RepoGC(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Keys, "blocks that were just added")

	forget(n)
	before, err := n.RepoStat(t.Context())
	require.NoError(t, err)
	report, err = n.RepoGC(t.Context())
	require.NoError(t, err)
	freed := make(map[string]bool)
	for _, k := range report.Keys {
		require.Empty(t, k.Error)
		require.Equal(t, uint64(cid.Raw), k.Key.Type())
		freed[string(k.Key.Hash())] = true
	}
	require.Len(t, report.Keys, len(garbage)+2)
	for _, b := range append(garbage, limited[1], limited[3]) {
		require.True(t, freed[string(b.Cid().Hash())])
		require.False(t, has(t, n, b))
	}
	requireHas(t, n, kept...)
	requireHas(t, n, once, limited[0], limited[2])
	after, err := n.RepoStat(t.Context())
	require.NoError(t, err)
	require.GreaterOrEqual(t, before.RepoSize-after.RepoSize, garbage.size())

	require.NoError(t, n.Unpin(t.Context(), api.NewCid(kept.root())))
	report, err = n.RepoGC(t.Context())
	require.NoError(t, err)
	require.Len(t, report.Keys, len(kept))
}

func TestGCSparesRecentStreams(t *testing.T) {
	n := startNode(t)
	now := time.Now()
	n.streams.now = func() time.Time { return now }
	d := wide("recent", 10, 100, 4)
	load(t, n, d...)
	collect := func() int {
		report, err := n.RepoGC(t.Context())
		require.NoError(t, err)
		return len(report.Keys)
	}
	now = now.Add(streamGrace)
	require.Zero(t, collect())
	now = now.Add(time.Second)
	require.Equal(t, len(d), collect())
}

func TestGCCancelled(t *testing.T) {
	n := startNode(t)
	d := wide("gc cancelled", 10, 100, 4)
	load(t, n, d...)
	forget(n)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := n.RepoGC(ctx)
	require.ErrorIs(t, err, context.Canceled)
	requireHas(t, n, d...)
}

// A collection neither waits for a pin in progress nor takes its blocks, those
// that an earlier attempt left included.
func TestGCWhilePinning(t *testing.T) {
	t.Parallel()
	d := wide("gc while pinning", 40, 100, 5)
	source, target := startNode(t), startNode(t)
	junk := rawBlock("junk", 100)
	load(t, target, junk)
	forget(target)
	result := partly(t, t.Context(), source, target, d)
	report, err := target.RepoGC(t.Context())
	require.NoError(t, err)
	require.Len(t, report.Keys, 1)
	require.False(t, has(t, target, junk))
	requireHas(t, target, d[:len(d)-1]...)
	load(t, source, d[len(d)-1])
	require.NoError(t, <-result)
	requireHas(t, target, d...)
}

// An interrupted pin's blocks are garbage, but not once it goes on.
func TestGCKeepsWhatAPinFindsLater(t *testing.T) {
	t.Parallel()
	// leaf hangs below gone, which is missing: nobody can know that it belongs
	// to the pin when the collection begins.
	leaf := rawBlock("below the gap", 100)
	gone := pbNode(cid.V0Builder{}, []byte("gap"), leaf)
	d := dag{pbNode(cid.V0Builder{}, []byte("top"), gone), gone}
	source, target := startNode(t), startNode(t)
	load(t, target, leaf)
	forget(target)
	result := partly(t, t.Context(), source, target, d)

	// The collection has marked and is about to sweep when the pin goes on.
	needed := markOnly(t, target, func() {
		load(t, source, gone)
		require.NoError(t, <-result)
	})
	require.False(t, needed.Has(target.store.Claims.Key(leaf.Cid().Hash())))
	requireHas(t, target, leaf, d[0], d[1])
}

// A block that a walk has found may hang below one that is not on disk yet.
func TestGCKeepsWhatAPinHasFound(t *testing.T) {
	n := startNode(t)
	leaf := rawBlock("found", 100)
	root := pbNode(cid.V0Builder{}, nil, leaf).Cid()
	load(t, n, leaf)
	forget(n)
	job := n.jobs.add(root, recursive, func(error) {})
	_, _ = job.enter(root, storage.Unlimited)
	_, _ = job.enter(leaf.Cid(), storage.Unlimited)
	report, err := n.RepoGC(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Keys)
	n.jobs.remove(job, false)
	report, err = n.RepoGC(t.Context())
	require.NoError(t, err)
	require.Len(t, report.Keys, 1)
}

// What an interrupted pin left is there when it goes on.
func TestGCKeepsWhatAPinWillFind(t *testing.T) {
	n := startNode(t)
	d := wide("left", 20, 100, 4)
	load(t, n, d...)
	forget(n)
	job := n.jobs.add(d.root(), recursive, func(error) {})
	report, err := n.RepoGC(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Keys)
	n.jobs.remove(job, false)
	report, err = n.RepoGC(t.Context())
	require.NoError(t, err)
	require.Len(t, report.Keys, len(d))
}

// markOnly runs a collection with something between its two phases.
func markOnly(t testing.TB, n *Node, between func()) *storage.Visited {
	t.Helper()
	n.store.Claims.Start()
	defer n.store.Claims.Stop()
	needed, _, err := n.gc.mark(context.Background())
	require.NoError(t, err)
	between()
	require.NoError(t, n.gc.sweep(context.Background(), needed, func(cid.Cid, error) {}))
	return needed
}

func TestGCOfIncompletePin(t *testing.T) {
	t.Parallel()
	d := wide("incomplete", 20, 100, 4)
	source, target := startNode(t), startNode(t)
	load(t, source, d...)
	pin := pinOf(d.root(), origins(t, source))
	require.NoError(t, target.Pin(t.Context(), pin))
	inner := d[21] // a directory: what is below it hangs in the air
	require.NoError(t, target.store.DeleteBlock(t.Context(), inner.Cid()))

	unlock, err := target.locks.lock(t.Context(), d.root())
	require.NoError(t, err)
	report, err := target.RepoGC(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, report.Error)
	unlock()
	requireStatus(t, target, d.root(), recursive, api.IPFSPinStatusRecursive) // somebody was at it

	report, err = target.RepoGC(t.Context())
	require.NoError(t, err)
	require.Contains(t, report.Error, d.root().String())
	require.Empty(t, report.Keys)
	requireNotPinned(t, target, d.root())

	require.NoError(t, target.Pin(t.Context(), pin), "the tracker recovers it")
	requireHas(t, target, d...)
	requireStatus(t, target, d.root(), recursive, api.IPFSPinStatusRecursive)
	report, err = target.RepoGC(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Keys)
}

// Pins and unpins of overlapping DAGs while collections never stop: a pin that
// succeeded has all its blocks.
func TestGCRaces(t *testing.T) {
	t.Parallel()
	const rounds, workers = 40, 3
	source, target := startNode(t), startNode(t, pinTimeout(time.Minute))
	shared := wide("shared by all", 60, 50, 6)
	load(t, source, shared...)
	dags := make([]dag, workers)
	for i := range dags {
		own := wide(fmt.Sprintf("own %d", i), 40, 50, 6)
		top := pbNode(cid.V0Builder{}, []byte{byte(i)}, own[0], shared[0], shared[61])
		dags[i] = append(dag{top}, append(own, shared...)...)
		load(t, source, dags[i]...)
	}
	from := origins(t, source)

	var collecting, pinning sync.WaitGroup
	stop := make(chan struct{})
	collections := 0
	collecting.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_, err := target.RepoGC(context.Background())
				require.NoError(t, err)
				collections++
			}
		}
	})
	for i, d := range dags {
		pinning.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range rounds {
				require.NoError(t, target.Pin(context.Background(), pinOf(d.root(), from)))
				requireHas(t, target, d...)
				if r.IntN(2) == 0 {
					require.NoError(t, target.Unpin(context.Background(), api.NewCid(d.root())))
				}
			}
		})
	}
	pinning.Wait()
	close(stop)
	collecting.Wait()
	require.Greater(t, collections, 5)
}

func TestClaims(t *testing.T) {
	g := storage.NewClaims()
	m := rawBlock("guarded", 10).Cid().Hash()
	removed := func() bool {
		deleted, err := g.Remove(m, func() error { return nil })
		require.NoError(t, err)
		return deleted
	}
	g.Claim(m)
	g.Start()
	require.True(t, removed(), "claimed before the start")
	g.Claim(m)
	require.False(t, removed())
	g.Start()
	require.True(t, removed(), "claimed in the collection before")
	g.Stop()
	g.Claim(m)

	// A claim waits for the deletion of its block, so that the claimant then
	// sees that it is gone.
	g.Start()
	var order []string
	var claimed sync.WaitGroup
	_, err := g.Remove(m, func() error {
		claimed.Go(func() {
			g.Claim(m)
			order = append(order, "claimed")
		})
		order = append(order, "deleted")
		return nil
	})
	require.NoError(t, err)
	claimed.Wait()
	require.Equal(t, []string{"deleted", "claimed"}, order)
}

func TestVisited(t *testing.T) {
	h := storage.NewHasher()
	v := storage.NewVisited(h)
	pb := pbNode(cid.V1Builder{Codec: cid.DagProtobuf, MhType: 0x12}, []byte("x")).Cid()
	raw := cid.NewCidV1(cid.Raw, pb.Hash())
	v0 := cid.NewCidV0(pb.Hash())
	for i, c := range []struct {
		cid           cid.Cid
		left          int32
		first, follow bool
	}{
		{pb, 2, true, true},
		{pb, 2, false, false},
		{v0, 1, false, false}, // the same node by another name
		{pb, 3, false, true},  // nearer to the root
		{raw, 3, true, true},  // the same bytes, but without links
		{pb, storage.Unlimited, false, true},
		{pb, storage.Unlimited, false, false},
	} {
		first, follow := v.Enter(c.cid, c.left)
		require.Equal(t, []bool{c.first, c.follow}, []bool{first, follow}, "step %d", i)
	}
	other := storage.NewVisited(h)
	_, _ = other.Enter(raw, 1)
	require.False(t, other.Has(h.Key(rawBlock("y", 1).Cid().Hash())))
	other.Merge(v)
	require.True(t, other.Has(h.Key(pb.Hash())))
	_, follow := other.Enter(pb, 0)
	require.True(t, follow, "merged nodes were not followed")
	_, follow = other.Enter(raw, 1)
	require.False(t, follow)
}

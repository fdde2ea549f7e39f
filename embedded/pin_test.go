package embedded

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	mh "github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"
)

// Content of one node is pinned at another through origins, the first stops,
// and the data is read from the second.
func TestPinFromOrigins(t *testing.T) {
	t.Parallel()
	leaf := rawBlock("leaf", 1000)
	v0 := pbNode(cid.V0Builder{}, []byte("v0"), leaf)
	cases := map[string]dag{
		"one raw block":      {rawBlock("one", 100)},
		"one empty block":    {rawBlock("empty", 0)},
		"one block of 1 MiB": {rawBlock("large", 1<<20)},
		"CIDv0":              {v0, leaf},
		"dag-cbor":           {cborNode("root", leaf, v0), leaf, v0},
		"chain":              chain("chain", 30),
		"many blocks":        wide("many", 1000, 200, 174),
		"20 MB":              wide("20 MB", 80, 256<<10, 30),
	}
	source := startNode(t)
	for _, d := range cases {
		load(t, source, d...)
	}
	from := origins(t, source)
	target := startNode(t)
	for name, d := range cases {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, target.Pin(t.Context(), pinOf(d.root(), from)))
			requireStatus(t, target, d.root(), recursive, api.IPFSPinStatusRecursive)
		})
	}
	require.NoError(t, source.Shutdown(context.Background()))
	for _, d := range cases {
		requireHas(t, target, d...)
	}
}

func requireStatus(t testing.TB, n *Node, c cid.Cid, depth int, want api.IPFSPinStatus) {
	t.Helper()
	got, err := n.PinLsCid(context.Background(), depthPin(c, depth, nil))
	require.NoError(t, err)
	require.Equal(t, want, got, "status of a pin of depth %d", depth)
}

func TestPinDepths(t *testing.T) {
	t.Parallel()
	d := chain("depths", 6) // d[0] is the root, d[5] the node above the first
	byDepth := []blocks.Block{d[0], d[4], d[3], d[2], d[1], d[5]}
	source := startNode(t)
	load(t, source, d...)
	from := origins(t, source)
	const none, direct, deep = api.IPFSPinStatusUnpinned, api.IPFSPinStatusDirect, api.IPFSPinStatusRecursive
	cases := []struct {
		depth  int
		blocks int
		status map[int]api.IPFSPinStatus // by the depth that is asked for
	}{
		{0, 1, map[int]api.IPFSPinStatus{0: direct, 1: none, -1: none}},
		{1, 2, map[int]api.IPFSPinStatus{0: none, 1: deep, 2: none, -1: none}},
		{3, 4, map[int]api.IPFSPinStatus{0: none, 2: none, 3: deep, -1: none}},
		{9, 6, map[int]api.IPFSPinStatus{9: deep, -1: none}},
		{-1, 6, map[int]api.IPFSPinStatus{0: none, 1: none, -1: deep}},
	}
	t.Run("of a new pin", func(t *testing.T) {
		for _, c := range cases {
			target := startNode(t)
			require.NoError(t, target.Pin(t.Context(), depthPin(d.root(), c.depth, from)))
			for i, b := range byDepth {
				require.Equal(t, i < c.blocks, has(t, target, b), "depth %d, block %d", c.depth, i)
			}
			for asked, want := range c.status {
				requireStatus(t, target, d.root(), asked, want)
			}
		}
	})
	t.Run("of a pin that changes", func(t *testing.T) {
		target := startNode(t)
		for _, i := range []int{0, 4, 1, 0, 2, 4, 0, 3, 1} {
			require.NoError(t, target.Pin(t.Context(), depthPin(d.root(), cases[i].depth, from)))
			_, err := target.RepoGC(t.Context())
			require.NoError(t, err)
			for at, b := range byDepth {
				require.Equal(t, at < cases[i].blocks, has(t, target, b), "depth %d, block %d", cases[i].depth, at)
			}
			for asked, want := range cases[i].status {
				requireStatus(t, target, d.root(), asked, want)
			}
			require.Len(t, listed(t, target, "all"), 1)
		}
	})
}

// listed is what PinLs sends.
func listed(t testing.TB, n *Node, types ...string) map[cid.Cid]api.IPFSPinStatus {
	t.Helper()
	out := make(chan api.IPFSPinInfo)
	result := make(chan error, 1)
	go func() { result <- n.PinLs(context.Background(), types, out) }()
	found := make(map[cid.Cid]api.IPFSPinStatus)
	for info := range out {
		found[info.Cid.Cid] = info.Type
	}
	require.NoError(t, <-result)
	return found
}

func TestPinLs(t *testing.T) {
	n := startNode(t)
	d := chain("listed", 3)
	load(t, n, d...)
	require.NoError(t, n.Pin(t.Context(), depthPin(d[0].Cid(), -1, nil)))
	require.NoError(t, n.Pin(t.Context(), depthPin(d[1].Cid(), 0, nil)))
	require.NoError(t, n.Pin(t.Context(), depthPin(d[2].Cid(), 7, nil)))
	deep := map[cid.Cid]api.IPFSPinStatus{
		d[0].Cid(): api.IPFSPinStatusRecursive,
		d[2].Cid(): api.IPFSPinStatusRecursive,
	}
	direct := map[cid.Cid]api.IPFSPinStatus{d[1].Cid(): api.IPFSPinStatusDirect}
	all := map[cid.Cid]api.IPFSPinStatus{
		d[0].Cid(): api.IPFSPinStatusRecursive,
		d[1].Cid(): api.IPFSPinStatusDirect,
		d[2].Cid(): api.IPFSPinStatusRecursive,
	}
	require.Equal(t, deep, listed(t, n, "recursive"))
	require.Equal(t, direct, listed(t, n, "direct"))
	require.Equal(t, all, listed(t, n, "recursive", "direct"))
	require.Equal(t, all, listed(t, n, "all"))
	require.Empty(t, listed(t, n))

	out := make(chan api.IPFSPinInfo)
	require.Error(t, n.PinLs(t.Context(), []string{"indirect"}, out))
	_, open := <-out
	require.False(t, open)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, n.PinLs(ctx, []string{"all"}, make(chan api.IPFSPinInfo)), context.Canceled)
}

// partly is a pin at target of a DAG of which source lacks the last block. It
// returns when all else is at target; the result of Pin follows.
func partly(t testing.TB, ctx context.Context, source, target *Node, d dag) <-chan error {
	t.Helper()
	load(t, source, d[:len(d)-1]...)
	pin := pinOf(d.root(), origins(t, source))
	result := make(chan error, 1)
	go func() { result <- target.Pin(ctx, pin) }()
	require.Eventually(t, func() bool {
		n, bytes, ok := target.Progress(d.root())
		return ok && n == uint64(len(d)-1) && bytes == dag(d[:len(d)-1]).size()
	}, waitMax, time.Millisecond)
	for _, b := range d[:len(d)-1] {
		require.Eventually(t, func() bool { return has(t, target, b) }, waitMax, time.Millisecond)
	}
	return result
}

func requireNotPinned(t testing.TB, n *Node, c cid.Cid) {
	t.Helper()
	for _, depth := range []int{-1, 0, 1} {
		requireStatus(t, n, c, depth, api.IPFSPinStatusUnpinned)
	}
	require.Empty(t, listed(t, n, "all"))
	_, _, ok := n.Progress(c)
	require.False(t, ok)
}

// The text of a stalled pin is proper English for one block, too.
func TestPinOfMissingLeaf(t *testing.T) {
	t.Parallel()
	d := wide("missing leaf", 1, 100, 1)
	require.Len(t, d, 2)
	source := startNode(t)
	target := startNode(t, pinTimeout(1500*time.Millisecond))
	err := <-partly(t, t.Context(), source, target, d)
	require.ErrorContains(t, err, ": 1 block (")
	require.ErrorContains(t, err, ") is here, ")
}

func TestPinOfMissingBlock(t *testing.T) {
	t.Parallel()
	d := wide("missing", 20, 100, 4)
	source := startNode(t)
	target := startNode(t, pinTimeout(1500*time.Millisecond))
	missing := d[len(d)-1]
	result := partly(t, t.Context(), source, target, d)
	err := <-result
	require.ErrorContains(t, err, "no block arrived for 1.5s")
	require.ErrorContains(t, err, missing.Cid().String())
	requireNotPinned(t, target, d.root())

	load(t, source, missing)
	require.NoError(t, target.Pin(t.Context(), pinOf(d.root(), origins(t, source))))
	requireHas(t, target, d...)
	requireStatus(t, target, d.root(), recursive, api.IPFSPinStatusRecursive)
}

func TestPinWhileBlockAppears(t *testing.T) {
	t.Parallel()
	d := wide("appears", 20, 100, 4)
	source, target := startNode(t), startNode(t)
	result := partly(t, t.Context(), source, target, d)
	require.Len(t, slices.Collect(target.Fetches()), 1)
	load(t, source, d[len(d)-1])
	require.NoError(t, <-result)
	requireHas(t, target, d...)
	require.Empty(t, slices.Collect(target.Fetches()))
}

func TestPinCancelled(t *testing.T) {
	t.Parallel()
	d := wide("cancelled", 20, 100, 4)
	source, target := startNode(t), startNode(t)
	ctx, cancel := context.WithCancel(t.Context())
	result := partly(t, ctx, source, target, d)
	cancel()
	require.ErrorIs(t, <-result, context.Canceled)
	requireNotPinned(t, target, d.root())
}

func TestPinGoesOnAfterRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := wide("restart", 200, 100, 20)
	source, target := startNode(t), startNode(t, inDir(dir))
	result := partly(t, t.Context(), source, target, d)
	require.NoError(t, target.Shutdown(t.Context()))
	require.ErrorIs(t, <-result, ErrNotRunning)

	load(t, source, d[len(d)-1])
	target = startNode(t, inDir(dir))
	requireNotPinned(t, target, d.root())
	require.NoError(t, target.Pin(t.Context(), pinOf(d.root(), origins(t, source))))
	requireHas(t, target, d...)
	stat, err := target.net.Exchange.Stat()
	require.NoError(t, err)
	require.Equal(t, uint64(1), stat.BlocksReceived, "blocks fetched again")
}

func TestUnpin(t *testing.T) {
	t.Parallel()
	d := wide("unpin", 20, 100, 4)
	source, target := startNode(t), startNode(t)
	result := partly(t, t.Context(), source, target, d)
	require.NoError(t, target.Unpin(t.Context(), api.NewCid(d.root())), "in progress")
	require.ErrorIs(t, <-result, errUnpinned)
	requireNotPinned(t, target, d.root())

	load(t, source, d[len(d)-1])
	for _, depth := range []int{-1, 0, 2} {
		require.NoError(t, target.Pin(t.Context(), depthPin(d.root(), depth, origins(t, source))))
		require.Len(t, listed(t, target, "all"), 1)
		require.NoError(t, target.Unpin(t.Context(), api.NewCid(d.root())))
		requireNotPinned(t, target, d.root())
	}
	require.NoError(t, target.Unpin(t.Context(), api.NewCid(d.root())), "not pinned")

	disabled := startNode(t, func(c *Config, _ *Options) { c.UnpinDisable = true })
	require.ErrorContains(t, disabled.Unpin(t.Context(), api.NewCid(d.root())), "unpin_disable")
}

// An update is a pin that shares most of its blocks with another.
func TestPinReusesBlocks(t *testing.T) {
	t.Parallel()
	leaf, fresh := wide("shared", 100, 100, 20), rawBlock("fresh", 100)
	updated := dag{pbNode(cid.V0Builder{}, nil, leaf[0], fresh), fresh}
	source, target := startNode(t), startNode(t)
	load(t, source, leaf...)
	load(t, source, updated...)
	from := origins(t, source)
	require.NoError(t, target.Pin(t.Context(), pinOf(leaf.root(), from)))
	pin := pinOf(updated.root(), from)
	pin.PinUpdate = api.NewCid(leaf.root())
	require.NoError(t, target.Pin(t.Context(), pin))
	stat, err := target.net.Exchange.Stat()
	require.NoError(t, err)
	require.Equal(t, uint64(len(leaf)+len(updated)), stat.BlocksReceived)
	require.Len(t, listed(t, target, "recursive"), 2, "the old pin stays")
}

func TestPinErrors(t *testing.T) {
	n := startNode(t)
	unknown := cid.NewCidV1(0x3ffff0, rawBlock("unknown codec", 10).Cid().Hash())
	b, err := blocks.NewBlockWithCid(noise("unknown codec", 10), unknown)
	require.NoError(t, err)
	broken, err := cid.V1Builder{Codec: cid.DagProtobuf, MhType: 0x12}.Sum([]byte{0xff})
	require.NoError(t, err)
	bad, err := blocks.NewBlockWithCid([]byte{0xff}, broken)
	require.NoError(t, err)
	weak, err := mh.Encode(noise("weak", 8), mh.MURMUR3X64_64)
	require.NoError(t, err)
	load(t, n, b, bad)
	require.ErrorContains(t, n.Pin(t.Context(), pinOf(cid.NewCidV1(cid.Raw, weak), nil)), "cannot be pinned")
	require.ErrorContains(t, n.Pin(t.Context(), pinOf(unknown, nil)), "no decoder")
	require.NoError(t, n.Pin(t.Context(), depthPin(unknown, 0, nil)), "a direct pin is not decoded")
	require.ErrorContains(t, n.Pin(t.Context(), pinOf(broken, nil)), "cannot be read as dag-pb")
	require.Error(t, n.Pin(t.Context(), pinOf(cid.Undef, nil)))
}

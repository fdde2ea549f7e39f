package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	blocks "github.com/ipfs/go-block-format"
	flatfs "github.com/ipfs/go-ds-flatfs"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/embedded/disk"
	"github.com/ipfs-cluster/pinsvc/embedded/network"
	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

func storageMax(size Size, gc bool) func(*Config, *Options) {
	return func(c *Config, _ *Options) { c.StorageMax, c.GCWhenFull = size, gc }
}

func TestStorageLimit(t *testing.T) {
	t.Parallel()
	const piece = 256 << 10 // 24 of them fit, 48 do not
	first, second := wide("first", 24, piece, 100), wide("second", 24, piece, 100)
	source := startNode(t)
	load(t, source, first...)
	load(t, source, second...)
	from := origins(t, source)

	for _, gc := range []bool{false, true} {
		t.Run(fmt.Sprintf("gc_when_full %v", gc), func(t *testing.T) {
			n := startNode(t, storageMax(32*piece, gc))
			require.NoError(t, n.Pin(t.Context(), pinOf(first.root(), from)))
			err := n.Pin(t.Context(), pinOf(second.root(), from))
			require.ErrorIs(t, err, storage.ErrStorageFull)
			require.ErrorContains(t, err, "of 8.0 MiB are in use")
			requireStatus(t, n, second.root(), recursive, api.IPFSPinStatusUnpinned)
			requireHas(t, n, first...)
			stat, err := n.RepoStat(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, stat.RepoSize, uint64(36*piece))

			require.NoError(t, n.Unpin(t.Context(), api.NewCid(first.root())))
			if !gc {
				require.ErrorIs(t, n.Pin(t.Context(), pinOf(second.root(), from)), storage.ErrStorageFull)
				_, err := n.RepoGC(t.Context())
				require.NoError(t, err)
			}
			require.NoError(t, n.Pin(t.Context(), pinOf(second.root(), from)))
			requireHas(t, n, second...)
		})
	}
}

func TestStorageLimitOfAddedBlocks(t *testing.T) {
	n := startNode(t, storageMax(4<<20, true))
	in := make(chan api.NodeWithMeta)
	go func() {
		defer close(in)
		for i := range 8 { // the sender is not left waiting after the error
			b := rawBlock(fmt.Sprint(i), 1<<20)
			in <- api.NodeWithMeta{Cid: api.NewCid(b.Cid()), Data: b.RawData()}
		}
	}()
	require.ErrorIs(t, n.BlockStream(t.Context(), in), storage.ErrStorageFull)
}

// Near the limit only what is really in use counts: not what another write has
// put on disk and still has under way, nor blocks that are there already.
func TestStorageLimitIsExact(t *testing.T) {
	n := startNode(t, storageMax(4<<20, false))
	first, second := rawBlock("first", 2<<20), rawBlock("second", 1<<20)
	n.store.Going.Add(4 << 20)
	require.NoError(t, n.store.Put(t.Context(), first))
	both := []blocks.Block{second, first, second}
	require.NoError(t, n.store.PutMany(t.Context(), both))
	requireHas(t, n, both...)
	require.NoError(t, n.store.PutMany(t.Context(), both), "it is there")
	require.ErrorIs(t, n.store.Put(t.Context(), rawBlock("third", 1<<20)), storage.ErrStorageFull)
}

// A write whose caller has gone leaves no files but whole blocks.
func TestPutOfCancelled(t *testing.T) {
	n := startNode(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := wide("put of cancelled", 20, 100, 5)
	require.NoError(t, n.store.PutMany(ctx, d))
	requireHas(t, n, d...)
	require.Eventually(t, func() bool { // flatfs notes its size in a file of its own, for a moment
		left, err := os.ReadDir(filepath.Join(n.repo.BlocksDir(), ".temp"))
		return err == nil && len(left) == 0
	}, waitMax, time.Millisecond)
}

// A node that was killed before flatfs wrote down what it has must not take a
// count below zero for a full disk.
func TestCountLostByAKill(t *testing.T) {
	dir := t.TempDir()
	n := startNode(t, inDir(dir), storageMax(1<<30, false))
	b := rawBlock("lost count", 1<<20)
	require.NoError(t, n.store.Put(t.Context(), b))
	require.NoError(t, n.Shutdown(t.Context()))
	count := filepath.Join(n.repo.BlocksDir(), flatfs.DiskUsageFile)
	require.NoError(t, os.WriteFile(count, []byte(`{"diskUsage":1,"accuracy":"initial-exact"}`), 0o600))

	n = startNode(t, inDir(dir), storageMax(1<<30, false))
	require.NoError(t, n.store.DeleteBlock(t.Context(), b.Cid()))
	require.Zero(t, n.store.Used())
	require.NoError(t, n.store.Put(t.Context(), rawBlock("more", 1000)))
}

func TestFullDisk(t *testing.T) {
	n := startNode(t)
	b := rawBlock("full disk", 1000)
	n.store.Free = func() uint64 { return storage.DiskReserve + 999 }
	err := n.store.Put(t.Context(), b)
	require.ErrorIs(t, err, storage.ErrStorageFull)
	require.ErrorContains(t, err, "left on the disk")
	n.store.Free = func() uint64 { return storage.DiskReserve + 1000 }
	require.NoError(t, n.store.Put(t.Context(), b))

	stat, err := n.RepoStat(t.Context())
	require.NoError(t, err)
	require.Equal(t, stat.RepoSize+1000, stat.StorageMax, "no limit but the disk")
	limited := startNode(t, storageMax(1<<30, false))
	limited.store.Free = func() uint64 { return 0 }
	stat, err = limited.RepoStat(t.Context())
	require.NoError(t, err)
	require.Equal(t, stat.RepoSize, stat.StorageMax, "the disk is the limit")
	limited.store.Free = freeAll
	stat, err = limited.RepoStat(t.Context())
	require.NoError(t, err)
	require.InDelta(t, 1<<30, stat.StorageMax, 4<<20)
}

// Records are written by a database that does not survive a full disk, so they
// are not written then.
func TestRecordsOnAFullDisk(t *testing.T) {
	n := startNode(t)
	one, two := rawBlock("one", 1000), rawBlock("two", 1000)
	load(t, n, one, two)
	require.NoError(t, n.Pin(t.Context(), pinOf(one.Cid(), nil)))

	n.repo.Disk = disk.NewWatchOf(t.TempDir(), func() uint64 { return disk.Reserve - 1 })
	err := n.Pin(t.Context(), pinOf(two.Cid(), nil))
	require.ErrorIs(t, err, storage.ErrStorageFull)
	require.ErrorContains(t, err, "16 MiB are needed")
	require.ErrorIs(t, n.Unpin(t.Context(), api.NewCid(one.Cid())), storage.ErrStorageFull)
	require.NoError(t, n.Pin(t.Context(), pinOf(one.Cid(), nil)), "it is pinned")

	n.repo.Disk = disk.NewWatchOf(t.TempDir(), freeAll)
	require.NoError(t, n.Pin(t.Context(), pinOf(two.Cid(), nil)))
	require.NoError(t, n.Unpin(t.Context(), api.NewCid(one.Cid())))
}

func freeAll() uint64 { return 1 << 50 }

func TestBlockGetAndStream(t *testing.T) {
	t.Parallel()
	source, target := startNode(t), startNode(t)
	d := wide("stream", 300, 100, 50)
	empty := rawBlock("", 0)
	load(t, source, append(d, empty)...)
	requireHas(t, source, d...)
	connect(t, target, source)
	for _, b := range []blocks.Block{d[0], d[7]} {
		data, err := target.BlockGet(t.Context(), api.NewCid(b.Cid()))
		require.NoError(t, err)
		require.Equal(t, b.RawData(), data)
		requireHas(t, target, b)
	}
	data, err := target.BlockGet(t.Context(), api.NewCid(empty.Cid()))
	require.NoError(t, err)
	require.Empty(t, data)
	served, err := target.net.Blocks.GetBlock(t.Context(), empty.Cid())
	require.NoError(t, err, "an empty block is served")
	require.Empty(t, served.RawData())

	wrong := make(chan api.NodeWithMeta, 1)
	wrong <- api.NodeWithMeta{Cid: api.NewCid(d[1].Cid()), Data: []byte("something else")}
	require.ErrorContains(t, target.BlockStream(t.Context(), wrong), "another hash")
	none := make(chan api.NodeWithMeta, 1)
	none <- api.NodeWithMeta{}
	require.ErrorContains(t, target.BlockStream(t.Context(), none), "without a CID")
	nothing := make(chan api.NodeWithMeta)
	close(nothing)
	require.NoError(t, target.BlockStream(t.Context(), nothing))
}

// connect connects a to b.
func connect(t testing.TB, a, b *Node) {
	t.Helper()
	for _, p := range network.OriginPeers(origins(t, b)) {
		require.NoError(t, a.net.Host.Connect(t.Context(), p))
	}
}

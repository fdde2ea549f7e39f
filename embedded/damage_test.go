package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	dshelp "github.com/ipfs/boxo/datastore/dshelp"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	mh "github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// blockFile is where a node keeps a block.
func blockFile(n *Node, c cid.Cid) string {
	key := dshelp.MultihashToDsKey(c.Hash()).String()[1:]
	return filepath.Join(n.repo.BlocksDir(), key[len(key)-3:len(key)-1], key+".data")
}

// damages are what can happen to the file of a block.
var damages = map[string]func(t testing.TB, file string){
	"empty":   func(t testing.TB, file string) { require.NoError(t, os.Truncate(file, 0)) },
	"missing": func(t testing.TB, file string) { require.NoError(t, os.Remove(file)) },
	"flipped": func(t testing.TB, file string) {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		data[len(data)/2] ^= 1
		require.NoError(t, os.WriteFile(file, data, 0o600))
	},
	"cut": func(t testing.TB, file string) {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.NoError(t, os.Truncate(file, info.Size()-1))
	},
}

func flip(t testing.TB, n *Node, c cid.Cid) { damages["flipped"](t, blockFile(n, c)) }

// blockFiles lists the files of all blocks of a node.
func blockFiles(t testing.TB, n *Node) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(n.repo.BlocksDir(), "*", "*.data"))
	require.NoError(t, err)
	slices.Sort(files)
	return files
}

// An inner block or the root is damaged in any way: a collection deletes nothing,
// says why, and the pin does not count as pinned until the block is here again.
func TestGCMeetsDamage(t *testing.T) {
	t.Parallel()
	for how, damage := range damages {
		for _, where := range []string{"inner", "root"} {
			t.Run(how+" "+where, func(t *testing.T) {
				t.Parallel()
				source, target := startNode(t), startNode(t)
				d, other := wide("damaged", 40, 100, 20), wide("other", 40, 100, 20)
				load(t, source, d...)
				load(t, target, other...)
				load(t, target, rawBlock("garbage", 100))
				pin := pinOf(d.root(), origins(t, source))
				require.NoError(t, target.Pin(t.Context(), pin))
				require.NoError(t, target.Pin(t.Context(), pinOf(other.root(), nil)))
				forget(target)
				lost := d[0]
				if where == "inner" {
					lost = d[41]
				}
				require.NotEqual(t, cid.Raw, int(lost.Cid().Type()))
				damage(t, blockFile(target, lost.Cid()))
				before := blockFiles(t, target)

				report, err := target.RepoGC(t.Context())
				require.NoError(t, err)
				require.Empty(t, report.Keys)
				require.Contains(t, report.Error, d.root().String())
				require.Contains(t, report.Error, lost.Cid().String())
				require.NotContains(t, report.Error, other.root().String())
				require.Equal(t, before, blockFiles(t, target))
				requireStatus(t, target, d.root(), recursive, api.IPFSPinStatusUnpinned)
				requireStatus(t, target, other.root(), recursive, api.IPFSPinStatusRecursive)

				require.NoError(t, target.Pin(t.Context(), pin))
				requireHas(t, target, d...)
				requireStatus(t, target, d.root(), recursive, api.IPFSPinStatusRecursive)
				report, err = target.RepoGC(t.Context())
				require.NoError(t, err)
				require.Empty(t, report.Error)
				require.Len(t, report.Keys, 1)
			})
		}
	}
}

// All pins that a damaged block belongs to are named and repaired, not only the
// first that is walked.
func TestGCNamesAllPinsOfADamagedBlock(t *testing.T) {
	n := startNode(t)
	shared := wide("shared", 10, 100, 5)
	a := append(dag{pbNode(cid.V0Builder{}, []byte("a"), shared[0])}, shared...)
	b := append(dag{pbNode(cid.V0Builder{}, []byte("b"), shared[0])}, shared...)
	for _, d := range []dag{a, b} {
		load(t, n, d...)
		require.NoError(t, n.Pin(t.Context(), pinOf(d.root(), nil)))
	}
	flip(t, n, shared[0].Cid())
	report, err := n.RepoGC(t.Context())
	require.NoError(t, err)
	for _, d := range []dag{a, b} {
		require.Contains(t, report.Error, d.root().String())
		requireNotPinned(t, n, d.root())
	}
}

// A damaged leaf is found by a check of its pin, which then counts as not pinned
// until the leaf is fetched again. A restart in between forgets nothing.
func TestCheck(t *testing.T) {
	t.Parallel()
	for how, damage := range damages {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			source, dir := startNode(t), t.TempDir()
			d := wide("checked", 40, 100, 20)
			load(t, source, d...)
			target := startNode(t, inDir(dir))
			pin := pinOf(d.root(), origins(t, source))
			require.NoError(t, target.Pin(t.Context(), pin))
			found := make(chan cid.Cid, 10)
			target.ObserveDamage(func(c cid.Cid) bool { found <- c; return true })
			damage(t, blockFile(target, d[7].Cid()))
			requireStatus(t, target, d.root(), recursive, api.IPFSPinStatusRecursive)

			require.NoError(t, target.Pin(t.Context(), pin), "a pin that is sent again")
			require.Equal(t, d.root(), <-found)
			requireNotPinned(t, target, d.root())
			require.NoError(t, target.Shutdown(context.Background()))

			target = startNode(t, inDir(dir))
			requireNotPinned(t, target, d.root())
			require.NoError(t, target.Pin(t.Context(), pin))
			requireHas(t, target, d...)
			requireStatus(t, target, d.root(), recursive, api.IPFSPinStatusRecursive)
			require.Zero(t, target.store.Damaged.Size.Load())
		})
	}
}

// A pin is checked at most once an hour.
func TestCheckOncePerHour(t *testing.T) {
	n := startNode(t)
	now := time.Now()
	n.checker.mu.Lock()
	n.checker.now = func() time.Time { return now }
	n.checker.mu.Unlock()
	checked := func() uint64 { return n.checker.blocks.Load() }
	b := rawBlock("hourly", 100)
	load(t, n, b)
	require.NoError(t, n.Pin(t.Context(), pinOf(b.Cid(), nil)))
	require.Zero(t, checked(), "an upload is not read again")
	for range 10 {
		n.Check(b.Cid())
	}
	require.Eventually(t, func() bool { return checked() == 1 && n.checker.waiting() == 0 }, waitMax, time.Millisecond)
	now = now.Add(recheckAfter)
	n.Check(b.Cid())
	require.Eventually(t, func() bool { return checked() == 2 }, waitMax, time.Millisecond)
	require.NoError(t, n.checker.queueAll(t.Context()))
	require.Zero(t, n.checker.waiting())
	now = now.Add(recheckAfter)
	n.CheckAll()
	require.Eventually(t, func() bool { return checked() == 3 }, waitMax, time.Millisecond)
}

// A pin that is removed and sent again over a damaged leaf does not stay pinned.
func TestPinAnewOverADamagedLeaf(t *testing.T) {
	t.Parallel()
	source, target := startNode(t), startNode(t)
	d := wide("anew", 10, 100, 5)
	load(t, source, d...)
	pin := pinOf(d.root(), origins(t, source))
	require.NoError(t, target.Pin(t.Context(), pin))
	flip(t, target, d[3].Cid())
	require.NoError(t, target.Unpin(t.Context(), api.NewCid(d.root())))
	found := make(chan cid.Cid, 10)
	target.ObserveDamage(func(c cid.Cid) bool { found <- c; return true })
	require.NoError(t, target.Pin(t.Context(), pin))
	require.Equal(t, d.root(), <-found)
	require.NoError(t, target.Pin(t.Context(), pin))
	requireHas(t, target, d...)
}

// The slow check finds what nobody asks about, goes on after a restart, and then
// does not begin again for a day.
func TestScrub(t *testing.T) {
	t.Parallel()
	source, dir := startNode(t), t.TempDir()
	d := wide("scrubbed", 60, 100, 20)
	load(t, source, d...)
	target := startNode(t, inDir(dir))
	pin := pinOf(d.root(), origins(t, source))
	require.NoError(t, target.Pin(t.Context(), pin))
	flip(t, target, d[7].Cid())
	require.NoError(t, os.Remove(blockFile(target, d[8].Cid())))
	require.NoError(t, target.Shutdown(context.Background()))

	target = startNode(t, inDir(dir), verifyRate(1<<40))
	require.Eventually(t, func() bool { return !target.checker.scrub.now().Ended.IsZero() }, waitMax, time.Millisecond)
	requireNotPinned(t, target, d.root())
	require.NoError(t, target.Pin(t.Context(), pin))
	requireHas(t, target, d...)
	state := target.checker.scrub.now()
	require.Equal(t, state.Folders, state.Done)
	require.NoError(t, target.Shutdown(context.Background()))

	target = startNode(t, inDir(dir), verifyRate(1<<40))
	require.True(t, state.Ended.Equal(target.checker.scrub.now().Ended))
	require.Zero(t, target.checker.blocks.Load())
}

func verifyRate(s Size) func(*Config, *Options) {
	return func(c *Config, _ *Options) { c.VerifyRate = s }
}

// A node that was given damaged blocks never passes them on, and says that it does
// not have them.
func TestDamagedBlocksAreNotServed(t *testing.T) {
	t.Parallel()
	first, second, target := startNode(t), startNode(t), startNode(t)
	d := wide("served", 10, 100, 5)
	load(t, first, d...)
	load(t, second, d...)
	flip(t, first, d[3].Cid())
	flip(t, first, d[0].Cid())
	pin := pinOf(d.root(), append(origins(t, first), origins(t, second)...))
	require.NoError(t, target.Pin(t.Context(), pin))
	requireHas(t, target, d...)
	for _, b := range []blocks.Block{d[0], d[3]} {
		_, err := first.store.Get(t.Context(), b.Cid())
		require.True(t, ipld.IsNotFound(err))
		require.False(t, has(t, first, b))
	}
}

// BlockGet, Resolve and an upload do not stop at a damaged block.
func TestReadsAndUploadsHeal(t *testing.T) {
	t.Parallel()
	source, n := startNode(t), startNode(t)
	d := wide("read", 10, 100, 5)
	load(t, source, d...)
	pin := pinOf(d.root(), origins(t, source))
	require.NoError(t, n.Pin(t.Context(), pin))

	flip(t, n, d[3].Cid())
	data, err := n.BlockGet(t.Context(), api.NewCid(d[3].Cid()))
	require.NoError(t, err)
	require.Equal(t, d[3].RawData(), data)
	requireHas(t, n, d...)

	damages["empty"](t, blockFile(n, d[0].Cid()))
	_, err = n.Resolve(t.Context(), d.root().String()+"/000000")
	require.NoError(t, err)
	requireHas(t, n, d...)

	for _, narrow := range []bool{false, true} {
		flip(t, n, d[4].Cid())
		if narrow {
			require.NoError(t, n.store.PutAlone(t.Context(), d[3:6]))
		} else {
			load(t, n, d[4])
		}
		requireHas(t, n, d...)
	}
}

// Every hash function that a node takes is compared, cut ones included, and an
// identity is what it says.
func TestCompare(t *testing.T) {
	n := startNode(t)
	data := []byte("compared with every hash")
	for _, f := range []struct {
		code   uint64
		length int
	}{
		{mh.SHA1, -1}, {mh.SHA2_256, -1}, {mh.SHA2_256, 20}, {mh.SHA2_512, -1}, {mh.SHA3_256, -1}, {mh.SHA3_512, -1},
		{mh.KECCAK_256, -1}, {mh.KECCAK_512, -1}, {mh.SHAKE_256, -1}, {mh.BLAKE2B_MIN + 31, -1}, {mh.BLAKE2S_MIN + 31, -1},
		{mh.BLAKE3, -1}, {mh.DBL_SHA2_256, -1}, {mh.IDENTITY, -1},
	} {
		t.Run(fmt.Sprintf("%s %d", mh.Codes[f.code], f.length), func(t *testing.T) {
			hash, err := mh.Sum(data, f.code, f.length)
			require.NoError(t, err)
			b, err := blocks.NewBlockWithCid(data, cid.NewCidV1(cid.Raw, hash))
			require.NoError(t, err)
			load(t, n, b)
			requireHas(t, n, b)
			if f.code == mh.IDENTITY {
				return
			}
			flip(t, n, b.Cid())
			_, err = n.store.Get(t.Context(), b.Cid())
			require.True(t, ipld.IsNotFound(err))
			require.ErrorAs(t, err, new(*storage.DamagedError))
			load(t, n, b)
			requireHas(t, n, b)
		})
	}
}

// A block that the operator puts back by hand counts again.
func TestRestoredBlock(t *testing.T) {
	n := startNode(t)
	b := rawBlock("restored", 100)
	load(t, n, b)
	flip(t, n, b.Cid())
	_, err := n.store.Get(t.Context(), b.Cid())
	require.Error(t, err)
	require.False(t, has(t, n, b))
	require.NoError(t, os.WriteFile(blockFile(n, b.Cid()), b.RawData(), 0o600))
	require.True(t, has(t, n, b))
	require.Zero(t, n.store.Damaged.Size.Load())
}

// Blocks that are written again and again are never taken for damaged.
func TestReplacedWhileRead(t *testing.T) {
	n := startNode(t)
	b := rawBlock("replaced", 64<<10)
	load(t, n, b)
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				if err := n.store.Put(context.Background(), b); err != nil {
					done <- err
					return
				}
			}
		}
	}()
	for range 500 {
		_, err := n.store.Get(t.Context(), b.Cid())
		require.NoError(t, err)
	}
	close(stop)
	require.NoError(t, <-done)
	require.Zero(t, n.store.Damaged.Total.Load())
}

// A full store does not keep a lost block away, although nothing can be collected
// before it is back, and a pin that finds no room says which pin is in the way.
func TestRepairOfAFullStore(t *testing.T) {
	t.Parallel()
	source := startNode(t)
	d, more := wide("full", 40, 20000, 20), wide("more", 40, 20000, 20)
	load(t, source, append(slices.Clone(d), more...)...)
	target := startNode(t, storageMax(Size(d.size()+400000), true))
	pin := pinOf(d.root(), origins(t, source))
	require.NoError(t, target.Pin(t.Context(), pin))
	require.NoError(t, os.Remove(blockFile(target, d[41].Cid())))
	damages["empty"](t, blockFile(target, d[0].Cid()))
	flip(t, target, d[2].Cid())
	_, err := target.store.Get(t.Context(), d[2].Cid())
	require.Error(t, err)

	err = target.Pin(t.Context(), pinOf(more.root(), origins(t, source)))
	require.ErrorIs(t, err, storage.ErrStorageFull)
	require.Contains(t, err.Error(), d.root().String())
	target.store.Max = target.store.Used() // not a byte is left
	require.NoError(t, target.Pin(t.Context(), pin))
	requireHas(t, target, d...)
	requireStatus(t, target, d.root(), recursive, api.IPFSPinStatusRecursive)
}

// A pin in progress takes the origins of a pin that is sent again.
func TestAddOrigins(t *testing.T) {
	t.Parallel()
	source, target := startNode(t), startNode(t)
	d := wide("late origins", 10, 100, 5)
	load(t, source, d...)
	pin := pinOf(d.root(), origins(t, source))
	target.AddOrigins(pin) // nothing is in progress
	pinned := make(chan error, 1)
	go func() { pinned <- target.Pin(context.Background(), pinOf(d.root(), nil)) }()
	require.Eventually(t, func() bool { _, _, ok := target.Progress(d.root()); return ok }, waitMax, time.Millisecond)
	for range 100 {
		target.AddOrigins(pin)
	}
	require.NoError(t, <-pinned)
	requireHas(t, target, d...)
}

package embedded

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	mh "github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// blockOf makes a block of any bytes.
func blockOf(t testing.TB, codec uint64, data []byte) blocks.Block {
	t.Helper()
	hash, err := mh.Sum(data, mh.SHA2_256, -1)
	require.NoError(t, err)
	b, err := blocks.NewBlockWithCid(data, cid.NewCidV1(codec, hash))
	require.NoError(t, err)
	return b
}

// cborLink is a link as dag-cbor has it: tag 42, and a byte string.
func cborLink(c cid.Cid) []byte {
	return append([]byte{0xd8, 0x2a, 0x58, byte(c.ByteLen() + 1), 0}, c.Bytes()...)
}

// chunkedLink is a link in a byte string of indefinite length with two parts.
func chunkedLink(c cid.Cid) []byte {
	value := append([]byte{0}, c.Bytes()...)
	link := append([]byte{0xd8, 0x2a, 0x5f, 0x40 + 7}, value[:7]...)
	link = append(link, 0x58, byte(len(value)-7))
	return append(append(link, value[7:]...), 0xff)
}

// indefinite is a list of indefinite length, which go-ipld-prime 0.23 decoded and
// 0.24 refuses.
func indefinite(items ...[]byte) []byte {
	list := []byte{0x9f}
	for _, item := range items {
		list = append(list, item...)
	}
	return append(list, 0xff)
}

// refusedDAG is a root that is refused, with two children: a tree and another
// root of the kind with a leaf.
func refusedDAG(t testing.TB) (root blocks.Block, all []blocks.Block) {
	tree := wide("below a refused block", 5, 100, 3)
	leaf := rawBlock("leaf of a refused block", 100)
	nan := append([]byte{0x82, 0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0}, cborLink(leaf.Cid())...)
	inner := blockOf(t, cid.DagCBOR, nan)
	root = blockOf(t, cid.DagCBOR, indefinite(cborLink(tree.root()), chunkedLink(inner.Cid())))
	return root, append(tree, root, inner, leaf)
}

// Health tells pins with a refused block, which nothing can complete, from those
// that lack a block, which is fetched again. One that has both lacks a block.
func TestHealthOfRefusedPins(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	root, all := refusedDAG(t)
	lacking := wide("lacking", 5, 100, 3)
	gone := rawBlock("gone", 100)
	both := cborNode("both", root, gone)
	load(t, n, append(all, lacking...)...)
	load(t, n, both)
	forget(n)
	n.ObserveDamage(func(cid.Cid) bool { return true })
	for _, c := range []cid.Cid{root.Cid(), lacking.root(), both.Cid()} {
		require.NoError(t, n.pins.set(t.Context(), c, recursive))
	}
	missing := lacking[0]
	if missing.Cid() == lacking.root() {
		missing = lacking[1]
	}
	require.NoError(t, n.store.DeleteBlock(t.Context(), missing.Cid()))
	require.NoError(t, n.Verify(t.Context(), nil, func(Found) error { return nil }))

	for range 2 { // the second answer is remembered
		h, err := n.Health(t.Context())
		require.NoError(t, err)
		require.Equal(t, []Lack{{root.Cid(), root.Cid()}}, h.Refused)
		require.Equal(t, 1, h.RefusedPins)
		require.ElementsMatch(t, []Lack{{lacking.root(), missing.Cid()}, {both.Cid(), gone.Cid()}}, h.Incomplete)
		require.Equal(t, 2, h.IncompletePins)
	}
	require.NoError(t, n.Unpin(t.Context(), api.NewCid(root.Cid())))
	h, err := n.Health(t.Context())
	require.NoError(t, err)
	require.Zero(t, h.RefusedPins)
	require.Equal(t, 2, h.IncompletePins)
}

// A pin of a version that decoded more than this one keeps its blocks, and fails
// with the reason. Other blocks are collected.
func TestRefusedBlocksKeepTheirs(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	root, all := refusedDAG(t)
	good, garbage := wide("good", 5, 100, 3), wide("garbage", 5, 100, 3)
	load(t, n, all...)
	load(t, n, good...)
	load(t, n, garbage...)
	forget(n)
	require.NoError(t, n.Pin(t.Context(), pinOf(good.root(), nil)))
	require.NoError(t, n.pins.set(t.Context(), root.Cid(), recursive)) // as the older version has
	var denounced []cid.Cid
	n.ObserveDamage(func(c cid.Cid) bool { denounced = append(denounced, c); return true })

	report, err := n.RepoGC(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Error)
	require.Len(t, report.Keys, len(garbage))
	requireHas(t, n, all...)
	requireHas(t, n, good...)
	require.Equal(t, []cid.Cid{root.Cid()}, denounced)
	status, err := n.PinLsCid(t.Context(), pinOf(root.Cid(), nil))
	require.NoError(t, err)
	require.Equal(t, api.IPFSPinStatusUnpinned, status)

	err = n.Pin(t.Context(), pinOf(root.Cid(), nil))
	require.ErrorContains(t, err, "cannot be read as dag-cbor")
	require.ErrorContains(t, err, root.Cid().String())
	report, err = n.RepoGC(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Keys, "the failed attempt protects no less")
	require.Len(t, denounced, 1, "it would fail again")

	require.NoError(t, n.Unpin(t.Context(), api.NewCid(root.Cid())))
	report, err = n.RepoGC(t.Context())
	require.NoError(t, err)
	require.Len(t, report.Keys, len(all))
}

// A CID below a refused block need not be a link, so a block that is missing
// there stops nothing; a damaged one does, and missing blocks of other pins.
func TestRefusedBlocksBesideOtherDamage(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	absent := chain("absent below", 3)
	root := blockOf(t, cid.DagCBOR, indefinite(cborLink(absent.root()), cborLink(rawBlock("absent", 10).Cid())))
	load(t, n, append(absent[:1], root)...) // its child is missing
	forget(n)
	require.NoError(t, n.pins.set(t.Context(), root.Cid(), recursive))
	report, err := n.RepoGC(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Error)
	require.Empty(t, report.Keys)
	requireHas(t, n, root, absent[0])

	// The same block is a certain link of another pin, which lacks a block.
	sure := pbNode(cid.V0Builder{}, nil, absent[0])
	load(t, n, sure, rawBlock("for the garbage", 10))
	forget(n)
	require.NoError(t, n.pins.set(t.Context(), sure.Cid(), recursive))
	report, err = n.RepoGC(t.Context())
	require.NoError(t, err)
	require.Contains(t, report.Error, sure.Cid().String())
	require.NotContains(t, report.Error, root.Cid().String(), "it does not stop a collection")
	require.Empty(t, report.Keys)
}

// verify names the refused block and goes on with the other pins.
func TestVerifyNamesRefusedBlocks(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	root, all := refusedDAG(t)
	good := wide("good", 5, 100, 3)
	load(t, n, append(all, good...)...)
	require.NoError(t, n.Pin(t.Context(), pinOf(good.root(), nil)))
	require.NoError(t, n.pins.set(t.Context(), root.Cid(), recursive))
	n.ObserveDamage(func(cid.Cid) bool { return true })
	var last Found
	var bad []BadBlock
	require.NoError(t, n.Verify(t.Context(), nil, func(f Found) error {
		if f.Bad != nil {
			bad = append(bad, *f.Bad)
		}
		last = f
		return nil
	}))
	require.Equal(t, uint64(2), last.Pins)
	require.Len(t, bad, 1)
	require.Equal(t, root.Cid(), bad[0].Block)
	require.NotEmpty(t, bad[0].Refused)
}

// An upgrade: the folder has the pin, and the program is started anew.
func TestRefusedPinOfAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, all := refusedDAG(t)
	old := startNode(t, inDir(dir))
	load(t, old, all...)
	require.NoError(t, old.pins.set(t.Context(), root.Cid(), recursive))
	require.NoError(t, old.Shutdown(context.Background()))

	n := startNode(t, inDir(dir))
	report, err := n.RepoGC(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Error)
	require.Empty(t, report.Keys)
	requireHas(t, n, all...)
	require.ErrorContains(t, n.Pin(t.Context(), pinOf(root.Cid(), nil)), "cannot be read as dag-cbor")
}

func TestScanCIDs(t *testing.T) {
	leaf, v0 := rawBlock("leaf", 10), pbNode(cid.V0Builder{}, []byte("x"))
	for name, tt := range map[string]struct {
		codec uint64
		data  []byte
		want  []cid.Cid
	}{
		"CBOR":             {cid.DagCBOR, indefinite(cborLink(leaf.Cid()), cborLink(v0.Cid())), []cid.Cid{leaf.Cid(), v0.Cid()}},
		"parts":            {cid.DagCBOR, indefinite(chunkedLink(leaf.Cid()), chunkedLink(v0.Cid())), []cid.Cid{leaf.Cid(), v0.Cid()}},
		"twice":            {cid.DagCBOR, indefinite(cborLink(leaf.Cid()), cborLink(leaf.Cid())), []cid.Cid{leaf.Cid()}},
		"truncated":        {cid.DagCBOR, cborLink(leaf.Cid())[:20], nil},
		"damaged dag-pb":   {cid.DagProtobuf, append(pbNode(cid.V0Builder{}, nil, leaf, v0).RawData(), 0xff), []cid.Cid{leaf.Cid(), v0.Cid()}},
		"dag-json":         {cid.DagJSON, []byte(`{"a":{"/":"` + leaf.Cid().String() + `"},"b":{"/":"` + v0.Cid().String() + `"}`), []cid.Cid{leaf.Cid(), v0.Cid()}},
		"text in CBOR":     {cid.DagCBOR, []byte(leaf.Cid().String()), nil},
		"an endless part":  {cid.DagCBOR, append([]byte{0x5f, 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, leaf.Cid().Bytes()...), []cid.Cid{leaf.Cid()}},
		"an identity CID":  {cid.DagCBOR, cborLink(identityOf(t, cborLink(leaf.Cid()))), []cid.Cid{leaf.Cid()}},
		"an insecure hash": {cid.DagCBOR, cborLink(cid.NewCidV1(cid.Raw, mh.Multihash(append([]byte{0xd5, 0x01, 16}, make([]byte, 16)...)))), nil},
	} {
		found := storage.ScanCIDs(tt.codec, tt.data)
		if len(tt.want) == 0 {
			require.Empty(t, found, name)
		}
		require.Subset(t, found, tt.want, name) // bytes of a link with parts look like another
		require.LessOrEqual(t, len(found), 2*len(tt.want), name)
	}
}

func identityOf(t *testing.T, data []byte) cid.Cid {
	t.Helper()
	hash, err := mh.Sum(data, mh.IDENTITY, -1)
	require.NoError(t, err)
	return cid.NewCidV1(cid.DagCBOR, hash)
}

// Whatever the bytes are, the scan ends, and what a decoder finds it finds, too.
func FuzzScanCIDs(f *testing.F) {
	leaf, v0 := rawBlock("leaf", 10), pbNode(cid.V0Builder{}, []byte("x"))
	f.Add(uint64(cid.DagCBOR), indefinite(cborLink(leaf.Cid()), chunkedLink(v0.Cid())))
	f.Add(uint64(cid.DagCBOR), cborNode("seed", leaf, v0).RawData())
	f.Add(uint64(cid.DagProtobuf), pbNode(cid.V0Builder{}, nil, leaf, v0).RawData())
	f.Add(uint64(cid.DagJSON), []byte(`{"a":{"/":"`+leaf.Cid().String()+`"}}`))
	f.Add(uint64(cid.DagCBOR), binary.BigEndian.AppendUint64([]byte{0x5f, 0x5b}, 1<<63))
	f.Fuzz(func(t *testing.T, codec uint64, data []byte) {
		found := make(map[string]bool)
		for _, c := range storage.ScanCIDs(codec, data) {
			require.True(t, c.Defined())
			found[string(c.Hash())] = true
		}
		if codec != cid.DagCBOR && codec != cid.DagProtobuf {
			return
		}
		certain, err := storage.Links(cid.NewCidV1(codec, leaf.Cid().Hash()), data)
		if err != nil {
			require.True(t, errors.As(err, new(*storage.RefusedError)))
			return
		}
		for _, c := range certain {
			if embeddable(c) {
				require.True(t, found[string(c.Hash())], "%s in %x", c, data)
			}
		}
	})
}

// embeddable reports whether a block of the CID can be in a store.
func embeddable(c cid.Cid) bool {
	return c.Prefix().MhType == mh.SHA2_256 && c.Prefix().MhLength == 32
}

package embedded

import (
	"bytes"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// Blocks come from anybody: reading their links must fail, not panic.
func FuzzLinks(f *testing.F) {
	leaf := rawBlock("leaf", 10)
	for codec, data := range map[uint64][]byte{
		cid.Raw:         noise("raw", 20),
		cid.DagProtobuf: pbNode(cid.V0Builder{}, []byte("data"), leaf, leaf).RawData(),
		cid.DagCBOR:     cborNode("seed", leaf, leaf).RawData(),
		cid.DagJSON:     []byte(`{"a":[{"/":"` + leaf.Cid().String() + `"}]}`),
		0x0200:          []byte(`{"json":[1,2]}`),
		0x51:            {0xa1, 0x61, 0x61, 0x01},
		0x72:            []byte("key"),
	} {
		f.Add(codec, data)
	}
	f.Fuzz(func(t *testing.T, codec uint64, data []byte) {
		found, err := storage.Links(cid.NewCidV1(codec, leaf.Cid().Hash()), data)
		if err != nil {
			return
		}
		for _, c := range found {
			require.True(t, c.Defined())
		}
	})
}

func TestLinks(t *testing.T) {
	leaf, other := rawBlock("leaf", 10), pbNode(cid.V0Builder{}, nil)
	want := []cid.Cid{leaf.Cid(), other.Cid(), leaf.Cid()}
	pb := pbNode(cid.V0Builder{}, nil, leaf, other, leaf)
	got, err := storage.Links(pb.Cid(), pb.RawData())
	require.NoError(t, err)
	require.Equal(t, want, got)
	cbor := cborNode("seed", leaf, other, leaf)
	got, err = storage.Links(cbor.Cid(), cbor.RawData())
	require.NoError(t, err)
	require.ElementsMatch(t, want, got)
	json := []byte(`{"a":{"b":[{"/":"` + leaf.Cid().String() + `"}]}}`)
	got, err = storage.Links(cid.NewCidV1(cid.DagJSON, leaf.Cid().Hash()), json)
	require.NoError(t, err)
	require.Equal(t, want[:1], got)
	got, err = storage.Links(leaf.Cid(), pb.RawData())
	require.NoError(t, err)
	require.Empty(t, got)
	jose := cid.NewCidV1(0x85, leaf.Cid().Hash())
	payload := append([]byte{0xa2, 0x67}, "payload"...)
	payload = append(append(payload, 0x58, byte(leaf.Cid().ByteLen())), leaf.Cid().Bytes()...)
	payload = append(append(payload, 0x6a), "signatures"...)
	payload = append(append(payload, 0x81, 0xa1, 0x69), "signature"...)
	got, err = storage.Links(jose, append(payload, 0x41, 1))
	require.NoError(t, err)
	require.Equal(t, want[:1], got, "the payload of a signed object is a link")
	tree := append([]byte("tree 28\x00100644 a\x00"), noise("git", 20)...)
	got, err = storage.Links(cid.NewCidV1(cid.GitRaw, leaf.Cid().Hash()), tree)
	require.NoError(t, err)
	require.Len(t, got, 1, "the entry of a git tree is a link")
	nested := append(bytes.Repeat([]byte{0x81}, 2<<20), 0)
	_, err = storage.Links(cbor.Cid(), nested)
	require.Error(t, err, "nested too deep")
}

func FuzzPath(f *testing.F) {
	c := rawBlock("path", 10).Cid().String()
	for _, text := range []string{c, "/ipfs/" + c + "/a/b", "/ipns/example.org/x", "//", "/ipfs/../" + c} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePath(text)
		if err == nil {
			require.GreaterOrEqual(t, len(p.Segments()), 2)
		}
	})
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte{1})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, value []byte) {
		depth, err := parseDepth(value)
		if err == nil {
			require.Positive(t, depth)
		}
	})
}

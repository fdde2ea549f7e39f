package peer

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	chunker "github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	"github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/sync"
	ipldcbor "github.com/ipfs/go-ipld-cbor"
	mh "github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/embedded"
)

// content is a DAG in memory.
type content struct {
	root   cid.Cid
	blocks []blocks.Block
}

// fileDAG is the DAG of a file of random data, cut into pieces: of raw leaves
// below CIDv1, or all in CIDv0.
func fileDAG(t *testing.T, name string, size, piece int, version int) content {
	t.Helper()
	store := blockstore.NewBlockstore(sync.MutexWrap(datastore.NewMapDatastore()))
	builder := cid.Builder(cid.V0Builder{})
	if version == 1 {
		builder = cid.V1Builder{Codec: cid.DagProtobuf, MhType: mh.SHA2_256}
	}
	params := helpers.DagBuilderParams{
		Maxlinks:   helpers.DefaultLinksPerBlock,
		RawLeaves:  version == 1,
		CidBuilder: builder,
		Dagserv:    merkledag.NewDAGService(blockservice.New(store, nil)),
	}
	layout, err := params.New(chunker.NewSizeSplitter(bytes.NewReader(noise(t, name, size)), int64(piece)))
	require.NoError(t, err)
	root, err := balanced.Layout(layout)
	require.NoError(t, err)
	c := content{root: root.Cid()}
	keys, err := store.AllKeysChan(t.Context())
	require.NoError(t, err)
	for key := range keys {
		b, err := store.Get(t.Context(), key)
		require.NoError(t, err)
		c.blocks = append(c.blocks, b)
	}
	return c
}

// cborOf is a dag-cbor node with links to other DAGs.
func cborOf(t *testing.T, children ...content) content {
	t.Helper()
	var c content
	var links []any
	for _, child := range children {
		links = append(links, child.root)
		c.blocks = append(c.blocks, child.blocks...)
	}
	nd, err := ipldcbor.WrapObject(map[string]any{"children": links}, mh.SHA2_256, -1)
	require.NoError(t, err)
	c.root = nd.Cid()
	c.blocks = append(c.blocks, nd)
	return c
}

// noise is the same data for the same name.
func noise(t *testing.T, name string, size int) []byte {
	t.Helper()
	sum := sha256.Sum256([]byte(name))
	key, err := aes.NewCipher(sum[:16])
	require.NoError(t, err)
	data := make([]byte, size)
	cipher.NewCTR(key, sum[16:]).XORKeyStream(data, data)
	return data
}

// node starts an IPFS node that belongs to no peer, with the environment of
// isolate.
func node(t *testing.T) *embedded.Node {
	t.Helper()
	section := embedded.NewSection()
	require.NoError(t, section.Default())
	require.NoError(t, section.ApplyEnvVars())
	n, err := embedded.New(section.Value(), embedded.Options{BaseDir: t.TempDir()})
	require.NoError(t, err)
	require.NoError(t, n.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, n.Shutdown(context.Background())) })
	return n
}

// give stores blocks in a node.
func give(t *testing.T, n *embedded.Node, bs ...blocks.Block) {
	t.Helper()
	in := make(chan api.NodeWithMeta, len(bs))
	for _, b := range bs {
		in <- api.NodeWithMeta{Cid: api.NewCid(b.Cid()), Data: b.RawData()}
	}
	close(in)
	require.NoError(t, n.BlockStream(t.Context(), in))
}

// addresses are where others reach a node.
func addresses(t *testing.T, n *embedded.Node) []string {
	t.Helper()
	id, err := n.ID(t.Context())
	require.NoError(t, err)
	var texts []string
	for _, a := range id.Addresses {
		texts = append(texts, a.String())
	}
	return texts
}

// requireReadable fetches a DAG from the given addresses to a node that has
// nothing, and compares it.
func requireReadable(t *testing.T, c content, from []string) {
	t.Helper()
	reader := node(t)
	pin := api.PinWithOpts(api.NewCid(c.root), api.PinOptions{Mode: api.PinModeRecursive})
	for _, text := range from {
		addr, err := api.NewMultiaddr(text)
		require.NoError(t, err)
		pin.Origins = append(pin.Origins, addr)
	}
	require.NoError(t, reader.Pin(t.Context(), pin))
	requireLocal(t, reader, c)
}

// requireLocal compares what a node has, when nobody else is there to ask.
func requireLocal(t *testing.T, n *embedded.Node, c content) {
	t.Helper()
	for _, b := range c.blocks {
		data, err := n.BlockGet(t.Context(), api.NewCid(b.Cid()))
		require.NoError(t, err)
		require.True(t, bytes.Equal(b.RawData(), data))
	}
}

// pinStatus is what the Pinning Service API says of a pin.
type pinStatus struct {
	Status    string
	Delegates []string
	Info      map[string]string
}

// post pins through the Pinning Service API.
func post(t *testing.T, p *Peer, c cid.Cid, origins []string) pinStatus {
	t.Helper()
	code, text := request(t, p, http.MethodPost, "/pins", pinBody(t, c, origins))
	require.Equal(t, http.StatusAccepted, code, text)
	return parseStatus(t, text)
}

func pinBody(t *testing.T, c cid.Cid, origins []string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"cid": c.String(), "origins": origins})
	require.NoError(t, err)
	return string(body)
}

func get(t *testing.T, p *Peer, c cid.Cid) pinStatus {
	t.Helper()
	code, text := request(t, p, http.MethodGet, "/pins/"+c.String(), "")
	require.Equal(t, http.StatusOK, code, text)
	return parseStatus(t, text)
}

func parseStatus(t *testing.T, text string) pinStatus {
	t.Helper()
	var s pinStatus
	require.NoError(t, json.Unmarshal([]byte(text), &s))
	return s
}

package embedded

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/ipld/merkledag"
	ft "github.com/ipfs/boxo/ipld/unixfs"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ipldcbor "github.com/ipfs/go-ipld-cbor"
	format "github.com/ipfs/go-ipld-format"
	ma "github.com/multiformats/go-multiaddr"
	mh "github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/config"
	"github.com/ipfs-cluster/pinsvc/embedded/network"
)

// waitMax is how long tests wait for what must happen.
const waitMax = time.Minute

// testConfig is a node on loopback that knows nobody.
func testConfig() Config {
	cfg := DefaultConfig()
	cfg.ListenMultiaddresses = network.Addresses{ma.StringCast("/ip4/127.0.0.1/tcp/0")}
	cfg.JoinDHT = false
	cfg.NATPortMap = false
	cfg.ConnectSwarmsDelay = 0
	cfg.VerifyRate = 0
	cfg.PinTimeout = config.Duration(waitMax)
	return cfg
}

// startNode starts a node in a folder of its own, or in dir.
func startNode(t testing.TB, change ...func(*Config, *Options)) *Node {
	t.Helper()
	cfg, opts := testConfig(), Options{BaseDir: t.TempDir()}
	for _, c := range change {
		c(&cfg, &opts)
	}
	n, err := New(cfg, opts)
	require.NoError(t, err)
	require.NoError(t, n.Start(context.Background()))
	t.Cleanup(func() { require.NoError(t, n.Shutdown(context.Background())) })
	return n
}

func inDir(dir string) func(*Config, *Options) {
	return func(_ *Config, o *Options) { o.BaseDir = dir }
}

func pinTimeout(d time.Duration) func(*Config, *Options) {
	return func(c *Config, _ *Options) { c.PinTimeout = config.Duration(d) }
}

// origins are the addresses of n.
func origins(t testing.TB, n *Node) []api.Multiaddr {
	t.Helper()
	id, err := n.ID(context.Background())
	require.NoError(t, err)
	require.NotEmpty(t, id.Addresses)
	return id.Addresses
}

// pinOf is a recursive pin with origins.
func pinOf(c cid.Cid, from []api.Multiaddr) api.Pin {
	pin := api.PinCid(api.NewCid(c))
	pin.MaxDepth = -1
	pin.Origins = from
	return pin
}

func depthPin(c cid.Cid, depth int, from []api.Multiaddr) api.Pin {
	pin := pinOf(c, from)
	pin.MaxDepth = api.PinDepth(depth)
	return pin
}

// dag is a DAG in memory; its first block is the root.
type dag []blocks.Block

func (d dag) root() cid.Cid { return d[0].Cid() }

func (d dag) size() (bytes uint64) {
	for _, b := range d {
		bytes += uint64(len(b.RawData()))
	}
	return bytes
}

// load stores blocks in a node like an adder does.
func load(t testing.TB, n *Node, bs ...blocks.Block) {
	t.Helper()
	in := make(chan api.NodeWithMeta)
	go func() {
		defer close(in)
		for _, b := range bs {
			in <- api.NodeWithMeta{Cid: api.NewCid(b.Cid()), Data: b.RawData()}
		}
	}()
	require.NoError(t, n.BlockStream(context.Background(), in))
}

// requireHas checks that a node has all blocks with their content, locally.
func requireHas(t testing.TB, n *Node, bs ...blocks.Block) {
	t.Helper()
	for _, b := range bs {
		got, err := n.store.Get(context.Background(), b.Cid())
		require.NoError(t, err)
		require.Equal(t, b.RawData(), got.RawData())
	}
}

func has(t testing.TB, n *Node, b blocks.Block) bool {
	t.Helper()
	here, err := n.store.Has(context.Background(), b.Cid())
	require.NoError(t, err)
	return here
}

// noise is reproducible random data, different for every seed.
func noise(seed string, size int) []byte {
	sum := sha256.Sum256([]byte(seed))
	key, err := aes.NewCipher(sum[:16])
	if err != nil {
		panic(err)
	}
	data := make([]byte, size)
	cipher.NewCTR(key, sum[16:]).XORKeyStream(data, data)
	return data
}

func rawBlock(seed string, size int) blocks.Block {
	return merkledag.NewRawNode(noise(seed, size))
}

func pbNode(builder cid.Builder, data []byte, children ...blocks.Block) blocks.Block {
	nd := merkledag.NodeWithData(data)
	if err := nd.SetCidBuilder(builder); err != nil {
		panic(err)
	}
	for i, c := range children {
		name := fmt.Sprintf("%06d", i)
		if err := nd.AddRawLink(name, &format.Link{Name: name, Cid: c.Cid(), Size: uint64(len(c.RawData()))}); err != nil {
			panic(err)
		}
	}
	return nd
}

// wide is a tree of raw leaves below directories of up to fan entries.
func wide(seed string, leaves, size, fan int) dag {
	level := make([]blocks.Block, leaves)
	for i := range level {
		level[i] = rawBlock(fmt.Sprintf("%s/%d", seed, i), size)
	}
	all := append(dag{}, level...)
	for len(level) > 1 || len(all) == leaves {
		var next []blocks.Block
		for i := 0; i < len(level); i += fan {
			dir := pbNode(cid.V1Builder{Codec: cid.DagProtobuf, MhType: mh.SHA2_256},
				ft.FolderPBData(), level[i:min(i+fan, len(level))]...)
			next = append(next, dir)
			all = append(all, dir)
		}
		level = next
	}
	return rootFirst(all)
}

func rootFirst(all dag) dag {
	last := len(all) - 1
	all[0], all[last] = all[last], all[0]
	return all
}

// chain is a list of dag-pb nodes, each with a link to the next.
func chain(seed string, length int) dag {
	var all dag
	for i := range length {
		data := binary.BigEndian.AppendUint64([]byte(seed), uint64(i))
		if i == 0 {
			all = append(all, pbNode(cid.V0Builder{}, data))
		} else {
			all = append(all, pbNode(cid.V0Builder{}, data, all[i-1]))
		}
	}
	return rootFirst(all)
}

// cborNode is a dag-cbor map with links.
func cborNode(seed string, children ...blocks.Block) blocks.Block {
	list := []any{}
	for _, c := range children {
		list = append(list, c.Cid())
	}
	nd, err := ipldcbor.WrapObject(map[string]any{"seed": seed, "children": list}, mh.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return nd
}

package embedded

import (
	"testing"
	"time"

	"github.com/ipfs/boxo/ipld/merkledag"
	ft "github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/boxo/ipld/unixfs/hamt"
	uio "github.com/ipfs/boxo/ipld/unixfs/io"
	"github.com/ipfs/go-cid"
	format "github.com/ipfs/go-ipld-format"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/config"
)

func TestResolve(t *testing.T) {
	n := startNode(t, func(c *Config, _ *Options) { c.RequestTimeout = config.Duration(time.Second) })
	file := rawBlock("file", 10)
	inner := pbNode(cid.V0Builder{}, ft.FolderPBData(), file) // entry 000000
	outer := pbNode(cid.V0Builder{}, ft.FolderPBData(), inner)
	fields := cborNode("cbor", outer)
	load(t, n, file, inner, outer, fields)
	dag := merkledag.NewDAGService(n.net.blocks)
	shard, err := hamt.NewShard(dag, uio.DefaultShardWidth)
	require.NoError(t, err)
	require.NoError(t, shard.SetLink(t.Context(), "in a shard", &format.Link{Cid: file.Cid()}))
	sharded, err := shard.Node()
	require.NoError(t, err)
	require.NoError(t, dag.Add(t.Context(), sharded))

	v1 := cid.NewCidV1(cid.DagProtobuf, inner.Cid().Hash())
	for path, want := range map[string]cid.Cid{
		inner.Cid().String():                                    inner.Cid(),
		v1.String():                                             v1,
		"/ipfs/" + inner.Cid().String():                         inner.Cid(),
		"/ipfs/" + inner.Cid().String() + "/":                   inner.Cid(),
		"/ipfs/" + v1.String() + "/000000":                      file.Cid(),
		outer.Cid().String() + "/000000/000000":                 file.Cid(),
		"/ipfs/" + sharded.Cid().String() + "/in a shard":       file.Cid(),
		"/ipfs/" + fields.Cid().String() + "/children/0/000000": inner.Cid(),
		"/ipld/" + outer.Cid().String() + "/000000":             inner.Cid(),
		"/ipfs/" + rawBlock("not here", 10).Cid().String():      rawBlock("not here", 10).Cid(),
	} {
		got, err := n.Resolve(t.Context(), path)
		require.NoError(t, err, path)
		require.Equal(t, want, got.Cid, path)
	}
	for _, path := range []string{
		"", "/", "nonsense", "/ipfs/", "/ipfs/nonsense", "/other/" + v1.String(),
		"/ipfs/" + v1.String() + "/no such entry",
		"/ipfs/" + file.Cid().String() + "/below a file",
		"/ipfs/" + fields.Cid().String() + "/seed",
		"/ipfs/" + rawBlock("not here", 10).Cid().String() + "/x",
		"/ipns/k51qzi5uqu5dgutdk6i1ynyzgkqngpha5xpgia3a5qqp4jsh0u4csozksxel2r",
	} {
		_, err := n.Resolve(t.Context(), path)
		require.Error(t, err, path)
	}
}

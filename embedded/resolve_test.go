package embedded

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/ipfs/boxo/ipld/merkledag"
	ft "github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/boxo/ipld/unixfs/hamt"
	uio "github.com/ipfs/boxo/ipld/unixfs/io"
	"github.com/ipfs/boxo/path"
	blocks "github.com/ipfs/go-block-format"
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
	dag := merkledag.NewDAGService(n.net.Blocks)
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
	broken := blocks.NewBlock([]byte("no protobuf"))
	unknown := cid.NewCidV1(0x300000, file.Cid().Hash())
	load(t, n, broken)
	absent := rawBlock("not here", 10).Cid()
	holed := pbNode(cid.V0Builder{}, ft.FolderPBData(), pbNode(cid.V0Builder{}, ft.FolderPBData(), rawBlock("absent", 1)))
	load(t, n, holed)
	for path, words := range map[string]string{
		"":                      "invalid path",
		"/":                     "invalid path",
		"nonsense":              "invalid path",
		"/ipfs/":                "invalid path",
		"/ipfs/nonsense":        "invalid path",
		"/other/" + v1.String(): "invalid path",
		"/ipfs/" + v1.String() + "/no such entry":                              `no link named "no such entry" under ` + v1.String(),
		"/ipfs/" + v1.String() + "/000000/x":                                   "no link named",
		"/ipfs/" + file.Cid().String() + "/below a file":                       "no link named",
		"/ipfs/" + sharded.Cid().String() + "/not in the shard":                "no link named",
		"/ipfs/" + fields.Cid().String() + "/seed":                             "no link named",
		"/ipfs/" + fields.Cid().String() + "/children/7":                       "no link named",
		"/ipfs/" + absent.String() + "/x":                                      "no peer has delivered",
		"/ipfs/" + holed.Cid().String() + "/000000/000000":                     "no peer has delivered",
		"/ipfs/" + broken.Cid().String() + "/x":                                "cannot be read",
		"/ipfs/" + unknown.String() + "/x":                                     "cannot be read",
		"/ipns/k51qzi5uqu5dgutdk6i1ynyzgkqngpha5xpgia3a5qqp4jsh0u4csozksxel2r": "could not resolve name",
		"/ipns/not a domain":                                                   "could not resolve name",
	} {
		_, err := n.Resolve(t.Context(), path)
		require.ErrorContains(t, err, words, path)
	}
	require.NoError(t, n.Shutdown(t.Context()))
	_, err = n.Resolve(t.Context(), v1.String())
	require.ErrorContains(t, err, "the IPFS node is not running")
}

// TestNameErrors: a name that is not there differs from a server that does not
// answer.
func TestNameErrors(t *testing.T) {
	p, err := path.NewPath("/ipns/example.com")
	require.NoError(t, err)
	for words, err := range map[string]error{
		"could not resolve name /ipns/example.com":  &net.DNSError{Err: "no such host", IsNotFound: true},
		"/ipns/example.com cannot be looked up now": &net.DNSError{Err: "server misbehaving", IsTemporary: true},
		"cannot be looked up now: ":                 context.DeadlineExceeded,
		"context canceled":                          context.Canceled,
	} {
		require.ErrorContains(t, nameError(p, fmt.Errorf("lookup: %w", err)), words)
	}
}

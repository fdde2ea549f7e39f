package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/ipld/merkledag"
	ft "github.com/ipfs/boxo/ipld/unixfs"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	ma "github.com/multiformats/go-multiaddr"
	mh "github.com/multiformats/go-multihash"

	"github.com/ipfs-cluster/pinsvc/embedded"
	"github.com/ipfs-cluster/pinsvc/embedded/network"
)

// offer is what the source tells about itself.
type offer struct {
	Origins []string
	DAGs    []offered
}

type offered struct{ Name, Root string }

// order asks a pinner for a pin; done is its answer.
type order struct {
	Cid     string
	Origins []string
}

type done struct {
	Took  time.Duration
	Error string
}

// openNode starts a node on loopback that knows nobody.
func openNode(ctx context.Context, dir string) (*embedded.Node, error) {
	cfg := embedded.DefaultConfig()
	cfg.ListenMultiaddresses = network.Addresses{ma.StringCast("/ip4/127.0.0.1/tcp/0")}
	cfg.JoinDHT = false
	cfg.NATPortMap = false
	n, err := embedded.New(cfg, embedded.Options{BaseDir: dir})
	if err != nil {
		return nil, err
	}
	return n, n.Start(ctx)
}

// source holds the DAGs until its input ends.
func source(ctx context.Context, dir string, in io.Reader, out io.Writer) error {
	n, err := openNode(ctx, dir)
	if err != nil {
		return err
	}
	defer n.Shutdown(ctx)
	id, err := n.ID(ctx)
	if err != nil {
		return err
	}
	var o offer
	for _, a := range id.Addresses {
		o.Origins = append(o.Origins, a.String())
	}
	for _, d := range []struct {
		name         string
		leaves, size int
	}{{"100 MB", 400, 256 << 10}, {"10,000 blocks", 9940, 200}} {
		root, err := add(ctx, n, d.name, d.leaves, d.size)
		if err != nil {
			return err
		}
		o.DAGs = append(o.DAGs, offered{Name: d.name, Root: root.String()})
	}
	if err := json.NewEncoder(out).Encode(o); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// add stores a tree of raw leaves with random data, 174 to a node.
func add(ctx context.Context, n *embedded.Node, seed string, leaves, size int) (cid.Cid, error) {
	stream := make(chan api.NodeWithMeta)
	result := make(chan error, 1)
	go func() { result <- n.BlockStream(ctx, stream) }()
	put := func(b blocks.Block) {
		stream <- api.NodeWithMeta{Cid: api.NewCid(b.Cid()), Data: b.RawData()}
	}
	random := rand.NewChaCha8(sha256.Sum256([]byte(seed)))
	level := make([]blocks.Block, leaves)
	for i := range level {
		data := make([]byte, size)
		_, _ = random.Read(data)
		level[i] = merkledag.NewRawNode(data)
		put(level[i])
	}
	for len(level) > 1 {
		var next []blocks.Block
		for i := 0; i < len(level); i += 174 {
			nd, err := parent(level[i:min(i+174, len(level))])
			if err != nil {
				return cid.Undef, err
			}
			next = append(next, nd)
			put(nd)
		}
		level = next
	}
	close(stream)
	return level[0].Cid(), <-result
}

func parent(children []blocks.Block) (blocks.Block, error) {
	nd := merkledag.NodeWithData(ft.FolderPBData())
	if err := nd.SetCidBuilder(cid.V1Builder{Codec: cid.DagProtobuf, MhType: mh.SHA2_256}); err != nil {
		return nil, err
	}
	for i, c := range children {
		err := nd.AddRawLink(fmt.Sprintf("%06d", i), &ipld.Link{Cid: c.Cid(), Size: uint64(len(c.RawData()))})
		if err != nil {
			return nil, err
		}
	}
	return nd, nil
}

// pinner pins what its input orders.
func pinner(ctx context.Context, dir string, in io.Reader, out io.Writer) error {
	n, err := openNode(ctx, dir)
	if err != nil {
		return err
	}
	defer n.Shutdown(ctx)
	if err := json.NewEncoder(out).Encode("ready"); err != nil {
		return err
	}
	for r := bufio.NewReader(in); ; {
		var o order
		if err := readJSON(r, &o); err != nil {
			return nil // the end of the input
		}
		d := pinOne(ctx, n, o)
		if err := json.NewEncoder(out).Encode(d); err != nil {
			return err
		}
	}
}

func pinOne(ctx context.Context, n *embedded.Node, o order) done {
	c, err := api.DecodeCid(o.Cid)
	if err != nil {
		return done{Error: err.Error()}
	}
	pin := api.PinWithOpts(c, api.PinOptions{Mode: api.PinModeRecursive})
	for _, text := range o.Origins {
		a, err := api.NewMultiaddr(text)
		if err != nil {
			return done{Error: err.Error()}
		}
		pin.Origins = append(pin.Origins, a)
	}
	start := time.Now()
	if err := n.Pin(ctx, pin); err != nil {
		return done{Error: err.Error()}
	}
	return done{Took: time.Since(start)}
}

package restapi

import (
	"context"
	"errors"
	"fmt"
	"io"

	_ "github.com/ceramicnetwork/go-dag-jose/dagjose" // registers dag-jose
	"github.com/ipfs-cluster/ipfs-cluster/adder"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/files"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/go-cid"
	_ "github.com/ipfs/go-ipld-git" // registers git-raw
	ipldlegacy "github.com/ipfs/go-ipld-legacy"
	"github.com/ipld/go-car"
	dagpb "github.com/ipld/go-codec-dagpb"
	_ "github.com/ipld/go-ipld-prime/codec/cbor"    // registers cbor
	_ "github.com/ipld/go-ipld-prime/codec/dagcbor" // registers dag-cbor
	_ "github.com/ipld/go-ipld-prime/codec/dagjson" // registers dag-json
	_ "github.com/ipld/go-ipld-prime/codec/json"    // registers json
	basicnode "github.com/ipld/go-ipld-prime/node/basic"
)

// carDecoder decodes blocks of every codec that IPFS nodes can pin. The library's adder
// has dag-pb, raw and dag-cbor only.
var carDecoder = newCARDecoder()

// newCARDecoder returns a decoder for the codecs that the imports register, too.
func newCARDecoder() *ipldlegacy.Decoder {
	d := ipldlegacy.NewDecoder()
	d.RegisterCodec(cid.DagProtobuf, dagpb.Type.PBNode, merkledag.ProtoNodeConverter)
	d.RegisterCodec(cid.Raw, basicnode.Prototype.Bytes, merkledag.RawNodeConverter)
	return d
}

// addCAR adds the first file of content, a CAR with one root: it sends the blocks to
// dag, pins the root, sends the root to output and closes that. It verifies the hash of
// each block.
func addCAR(ctx context.Context, dag adder.ClusterDAGService, content files.Directory, output chan<- api.AddedOutput) error {
	defer close(output)
	entries := content.Entries()
	if !entries.Next() {
		return errors.Join(errors.New("there is nothing in it"), entries.Err())
	}
	file, ok := entries.Node().(files.File)
	if !ok {
		return errors.New("a CAR is a file, and no directory")
	}
	added, err := sendCAR(ctx, dag, file)
	if err != nil {
		return err
	}
	added.Name = entries.Name()
	select {
	case output <- added:
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err = dag.Finalize(ctx, added.Cid)
	return err
}

// sendCAR sends the blocks of a CAR, and returns the output for its root.
func sendCAR(ctx context.Context, dag adder.ClusterDAGService, file io.Reader) (added api.AddedOutput, err error) {
	in, err := car.NewCarReader(file)
	if err != nil {
		return added, err
	}
	if n := len(in.Header.Roots); n != 1 {
		return added, fmt.Errorf("the CAR has %d roots, and must have one", n)
	}
	root := in.Header.Roots[0]
	added.Cid = api.NewCid(root)
	for ctx.Err() == nil {
		block, err := in.Next()
		if errors.Is(err, io.EOF) {
			added.Allocations = dag.Allocations()
			return added, nil
		}
		if err != nil {
			return added, err
		}
		node, err := carDecoder.DecodeNode(ctx, block)
		if err != nil {
			return added, fmt.Errorf("block %s cannot be read: %w", block.Cid(), err)
		}
		added.Bytes += uint64(len(block.RawData()))
		if block.Cid() == root {
			if file, err := unixfs.ExtractFSNode(node); err == nil {
				added.Size = file.FileSize()
			}
		}
		if err := dag.Add(ctx, node); err != nil {
			return added, err
		}
	}
	return added, ctx.Err()
}

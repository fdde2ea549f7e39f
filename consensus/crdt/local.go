package crdt

import (
	"context"

	ipfslite "github.com/hsanjuan/ipfs-lite"
	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/exchange/offline"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
)

// localNodes is where go-ds-crdt gets nodes. It applies one head after the other,
// and gets the ancestors of each with GetMany, which therefore must not wait for
// other peers: fetcher does that. Get is for its repair, which has a goroutine of
// its own and may fetch.
type localNodes struct {
	ipld.DAGService
	local ipld.DAGService
}

func newLocalNodes(dag *ipfslite.Peer) localNodes {
	here := blockservice.New(dag.BlockStore(), offline.Exchange(dag.BlockStore()))
	return localNodes{DAGService: dag, local: merkledag.NewDAGService(here)}
}

func (n localNodes) GetMany(ctx context.Context, all []cid.Cid) <-chan *ipld.NodeOption {
	return n.local.GetMany(ctx, all)
}

// Session returns what gets the ancestors of one head.
func (n localNodes) Session(context.Context) ipld.NodeGetter { return n.local }

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

// localNodes is the DAG service of go-ds-crdt. go-ds-crdt applies one head after the other
// and reads the ancestors of each with GetMany, which therefore never waits for other
// peers: fetcher has fetched them before. Its repair uses Get, in a goroutine of its own,
// and may fetch.
type localNodes struct {
	ipld.DAGService
	local ipld.DAGService
}

// newLocalNodes returns the DAG service of a blockstore, with an exchange that never asks
// other peers.
func newLocalNodes(dag *ipfslite.Peer) localNodes {
	here := blockservice.New(dag.BlockStore(), offline.Exchange(dag.BlockStore()))
	return localNodes{DAGService: dag, local: merkledag.NewDAGService(here)}
}

// GetMany implements ipld.NodeGetter without other peers: a missing node is an error.
func (n localNodes) GetMany(ctx context.Context, all []cid.Cid) <-chan *ipld.NodeOption {
	return n.local.GetMany(ctx, all)
}

// Session returns what gets the ancestors of one head.
func (n localNodes) Session(context.Context) ipld.NodeGetter { return n.local }

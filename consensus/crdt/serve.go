package crdt

import (
	"context"
	"fmt"
	"sync"

	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/go-cid"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// nodesProtocol is how peers of this program ask each other for nodes. Who has
// the cluster's secret may: bitswap answers them, too.
const nodesProtocol protocol.ID = "/pinsvc/crdt/nodes/1.0.0"

const (
	nodesService = "Nodes"
	belowMethod  = "Below"
	headsMethod  = "Heads"

	// An answer ends when it has so many nodes or bytes: it is to arrive
	// within callTimeout over a slow line, and to be small in memory.
	maxNodes = 1000
	maxBytes = 256 << 10
	// maxKnown is how many known nodes a question names, and maxWanted how many
	// wanted ones. More are not looked at.
	maxKnown  = 64
	maxWanted = maxNodes
	// maxLookups is how many nodes are looked for, here or not.
	maxLookups = 4 * maxNodes
	// maxHeads is how many heads an answer has.
	maxHeads = 1000
)

// Question asks for nodes and what is below them.
type Question struct {
	Wanted [][]byte // CIDs
	Known  [][]byte // CIDs of nodes that the asking peer has, with all below
	Most   int      // how many nodes it wants
}

// Answer has the blocks of the nodes, those that were asked for first.
type Answer struct {
	Blocks [][]byte
}

// server answers other peers.
type server struct {
	host   host.Host
	blocks blockstore.Blockstore
	heads  func(context.Context) []cid.Cid

	mu     sync.RWMutex // held while the blocks are read
	closed bool
}

func serve(h host.Host, blocks blockstore.Blockstore, heads func(context.Context) []cid.Cid) (*server, error) {
	s := &server{host: h, blocks: blocks, heads: heads}
	if err := rpc.NewServer(boundedHost{Host: h, admission: newAdmission()}, nodesProtocol).RegisterName(nodesService, &Nodes{s}); err != nil {
		return nil, fmt.Errorf("offering nodes to other peers: %w", err)
	}
	return s, nil
}

// close returns when nothing is read any more.
func (s *server) close() {
	s.host.RemoveStreamHandler(nodesProtocol)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// Nodes is the service that other peers see.
type Nodes struct{ server *server }

// Heads returns the CIDs of the newest nodes.
func (n *Nodes) Heads(ctx context.Context, _ struct{}, heads *[][]byte) error {
	all := n.server.heads(ctx)
	*heads = raw(all[:min(len(all), maxHeads)])
	return nil
}

// Below walks down from the nodes that are wanted, level by level. Nodes that
// are not here are left out, and so is what is below them.
func (n *Nodes) Below(ctx context.Context, q Question, a *Answer) error {
	s := n.server
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return errStopped
	}
	seen := cid.NewSet()
	for _, c := range cids(q.Known[:min(len(q.Known), maxKnown)]) {
		seen.Add(c)
	}
	queue := cids(q.Wanted[:min(len(q.Wanted), maxWanted)])
	for _, c := range queue {
		seen.Remove(c)
	}
	size, lookups := 0, 0
	for len(queue) > 0 && len(a.Blocks) < min(q.Most, maxNodes) && size < maxBytes && lookups < maxLookups {
		c := queue[0]
		queue = queue[1:]
		if !seen.Visit(c) {
			continue
		}
		lookups++
		if ctx.Err() != nil {
			return ctx.Err()
		}
		block, err := s.blocks.Get(ctx, c)
		if err != nil {
			continue
		}
		a.Blocks = append(a.Blocks, block.RawData())
		size += len(block.RawData())
		links, err := linksOf(block.RawData())
		if err != nil {
			continue
		}
		queue = append(queue, links...)
	}
	return nil
}

// linksOf returns the nodes that came before one.
func linksOf(block []byte) ([]cid.Cid, error) {
	node, err := merkledag.DecodeProtobuf(block)
	if err != nil {
		return nil, err
	}
	var all []cid.Cid
	for _, l := range node.Links() {
		all = append(all, l.Cid)
	}
	return all, nil
}

func raw(cids []cid.Cid) [][]byte {
	var all [][]byte
	for _, c := range cids {
		all = append(all, c.Bytes())
	}
	return all
}

// cids reads those that are CIDs.
func cids(raw [][]byte) []cid.Cid {
	var all []cid.Cid
	for _, b := range raw {
		if c, err := cid.Cast(b); err == nil {
			all = append(all, c)
		}
	}
	return all
}

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

// nodesProtocol is the protocol by which peers of this program request nodes from each
// other. It serves every peer that has the cluster's secret, as bitswap does.
const nodesProtocol protocol.ID = "/pinsvc/crdt/nodes/1.0.0"

const (
	nodesService = "Nodes"
	belowMethod  = "Below"
	headsMethod  = "Heads"

	// A response ends at so many nodes or bytes: it must arrive within callTimeout over
	// a slow connection, and be small in memory.
	maxNodes = 1000
	maxBytes = 256 << 10
	// maxKnown and maxWanted bound the known and the wanted nodes of a request. The
	// server ignores further ones.
	maxKnown  = 64
	maxWanted = maxNodes
	// maxLookups bounds the blocks that a request looks up, found or not.
	maxLookups = 4 * maxNodes
	// maxHeads bounds the heads of a response.
	maxHeads = 1000
)

// NodesRequest requests nodes and their ancestors. The names of the fields are on the wire.
type NodesRequest struct {
	Wanted [][]byte // CIDs
	Known  [][]byte // CIDs of nodes that the asking peer has, with all below
	Most   int      // how many nodes it wants
}

// NodesResponse has the blocks of the nodes, wanted ones before their ancestors. The names
// of the fields are on the wire.
type NodesResponse struct {
	Blocks [][]byte
}

// server serves nodes to other peers.
type server struct {
	host   host.Host
	blocks blockstore.Blockstore
	heads  func(context.Context) []cid.Cid

	mu     sync.RWMutex // held while the blocks are read
	closed bool
}

// serve registers the service at the host. heads returns the heads of this peer.
func serve(h host.Host, blocks blockstore.Blockstore, heads func(context.Context) []cid.Cid) (*server, error) {
	s := &server{host: h, blocks: blocks, heads: heads}
	if err := rpc.NewServer(boundedHost{Host: h, admission: newAdmission()}, nodesProtocol).RegisterName(nodesService, &Nodes{s}); err != nil {
		return nil, fmt.Errorf("offering nodes to other peers: %w", err)
	}
	return s, nil
}

// close refuses new calls and waits for those that read blocks.
func (s *server) close() {
	s.host.RemoveStreamHandler(nodesProtocol)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// Nodes is the gorpc service of server. The names of its methods are on the wire.
type Nodes struct{ server *server }

// Heads returns the CIDs of the newest nodes.
func (n *Nodes) Heads(ctx context.Context, _ struct{}, heads *[][]byte) error {
	all := n.server.heads(ctx)
	*heads = raw(all[:min(len(all), maxHeads)])
	return nil
}

// Below returns the wanted nodes and their ancestors, breadth first, without the known
// nodes and their ancestors. Nodes that are not stored here are left out, with their
// ancestors.
func (n *Nodes) Below(ctx context.Context, q NodesRequest, a *NodesResponse) error {
	s := n.server
	s.mu.RLock()
	defer s.mu.RUnlock()
	// The datastore may be closed.
	if s.closed {
		return errStopped
	}
	seen := cid.NewSet()
	for _, c := range cids(q.Known[:min(len(q.Known), maxKnown)]) {
		seen.Add(c)
	}
	queue := cids(q.Wanted[:min(len(q.Wanted), maxWanted)])
	// A node that is wanted and known at once is sent: only its ancestors are not.
	for _, c := range queue {
		seen.Remove(c)
	}
	size, lookups := 0, 0
	// Breadth first: when a bound ends the walk, the nodes closest to the wanted ones have
	// been sent, and the next request goes on from their links.
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
		// A missing node ends this branch of the walk, and the requester notices the gap.
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

// linksOf returns the parents of a node.
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

// raw encodes CIDs for the wire.
func raw(cids []cid.Cid) [][]byte {
	var all [][]byte
	for _, c := range cids {
		all = append(all, c.Bytes())
	}
	return all
}

// cids decodes CIDs and ignores invalid ones.
func cids(raw [][]byte) []cid.Cid {
	var all []cid.Cid
	for _, b := range raw {
		if c, err := cid.Cast(b); err == nil {
			all = append(all, c)
		}
	}
	return all
}

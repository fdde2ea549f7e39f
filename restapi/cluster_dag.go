package restapi

import (
	"context"
	"errors"
	"sync"

	"github.com/ipfs-cluster/ipfs-cluster/adder"
	"github.com/ipfs-cluster/ipfs-cluster/adder/sharding"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// blocksAhead is how many blocks may wait to be sent to the IPFS nodes.
const blocksAhead = 256

// blockDAG sends the blocks of an add to the peers of its allocations, and pins its
// root there. Unlike the library's, it fails as soon as no peer accepts blocks any
// more.
type blockDAG struct {
	adder.BaseDAGService

	ctx    context.Context // of the add
	client *rpcClient
	params api.AddParams

	// peers and stream are set by open. peers are the allocations of the pin, the
	// stream may have fewer destinations.
	peers  []peer.ID
	stream *adder.BlockStreamer
	blocks chan api.NodeWithMeta
	// last is the CID that was sent last: the adder sends some blocks twice in a row.
	last  cid.Cid
	close sync.Once
}

// newBlockDAG returns the DAG service of an add. It chooses the peers with the first
// block.
func newBlockDAG(ctx context.Context, client *rpcClient, params api.AddParams) *blockDAG {
	params.Mode = api.PinModeRecursive
	return &blockDAG{ctx: ctx, client: client, params: params, blocks: make(chan api.NodeWithMeta, blocksAhead)}
}

// open chooses the peers. A local add is sent to this peer's IPFS node only, from which
// the others fetch it.
func (d *blockDAG) open(ctx context.Context) error {
	peers, err := adder.BlockAllocate(ctx, d.client, d.params.PinOptions)
	if err != nil {
		return err
	}
	if len(peers) == 0 { // the peer has just been started, and has heard of nobody
		peers = []peer.ID{""}
	}
	self, here := d.client.ID(), false
	for i, id := range peers {
		if id == "" || id == self {
			peers[i], here = self, true
		}
	}
	dests := peers
	if d.params.Local {
		dests = []peer.ID{self}
		if !here && self != "" && len(d.params.UserAllocations) == 0 {
			peers[len(peers)-1] = self
		}
	}
	d.peers = peers
	d.stream = adder.NewBlockStreamer(d.ctx, d.client, dests, d.blocks)
	return nil
}

// Add implements ipld.DAGService.
func (d *blockDAG) Add(ctx context.Context, node ipld.Node) error {
	if d.stream == nil {
		if err := d.open(ctx); err != nil {
			return err
		}
	}
	if node.Cid() == d.last {
		return nil
	}
	select {
	case <-d.stream.Done():
		return d.streamError()
	default:
	}
	select {
	case d.blocks <- adder.IpldNodeToNodeWithMeta(node):
		d.last = node.Cid()
		return nil
	case <-d.stream.Done():
		return d.streamError()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// streamError returns the reason why the stream has ended early.
func (d *blockDAG) streamError() error {
	if err := d.stream.Err(); err != nil {
		return err
	}
	if err := d.ctx.Err(); err != nil {
		return err
	}
	return adder.ErrBlockAdder
}

// AddMany implements ipld.DAGService.
func (d *blockDAG) AddMany(ctx context.Context, nodes []ipld.Node) error {
	for _, node := range nodes {
		if err := d.Add(ctx, node); err != nil {
			return err
		}
	}
	return nil
}

// Close implements adder.ClusterDAGService.
func (d *blockDAG) Close() error {
	d.close.Do(func() { close(d.blocks) })
	return nil
}

// Finalize implements adder.ClusterDAGService.
func (d *blockDAG) Finalize(ctx context.Context, root api.Cid) (api.Cid, error) {
	_ = d.Close() // always nil
	select {
	case <-d.stream.Done():
	case <-ctx.Done():
		return root, ctx.Err()
	}
	if err := errors.Join(d.stream.Err(), d.ctx.Err()); err != nil {
		return root, err
	}
	if d.params.NoPin {
		return root, nil
	}
	pin := api.PinWithOpts(root, d.params.PinOptions)
	pin.Allocations = d.peers
	return root, adder.Pin(ctx, d.client, pin)
}

// Allocations implements adder.ClusterDAGService. Only tests have a peer without ID.
func (d *blockDAG) Allocations() []peer.ID {
	if len(d.peers) == 1 && d.peers[0] == "" {
		return nil
	}
	return d.peers
}

// watchedDAG keeps the first error of the cluster, to tell it from errors in an upload.
type watchedDAG struct {
	adder.ClusterDAGService

	shards *shardLimit // nil: it is not sharded

	mu    sync.Mutex
	err   error
	added bool
}

// Add implements ipld.DAGService.
func (d *watchedDAG) Add(ctx context.Context, node ipld.Node) error {
	if err := pinset.CheckHash(node.Cid()); err != nil {
		return d.note(pinset.Invalid("body", "block %s: %v", node.Cid(), err))
	}
	if err := d.shards.take(node); err != nil {
		return d.note(err)
	}
	return d.note(d.ClusterDAGService.Add(ctx, node))
}

// AddMany implements ipld.DAGService.
func (d *watchedDAG) AddMany(ctx context.Context, nodes []ipld.Node) error {
	for _, node := range nodes {
		if err := d.Add(ctx, node); err != nil {
			return err
		}
	}
	return nil
}

// Finalize implements adder.ClusterDAGService. The library's fail in other ways on an
// upload without content.
func (d *watchedDAG) Finalize(ctx context.Context, root api.Cid) (api.Cid, error) {
	d.mu.Lock()
	added := d.added
	d.mu.Unlock()
	if !added {
		return api.CidUndef, pinset.Invalid("body", "there is nothing in it")
	}
	if err := checkPinnable("body", root); err != nil {
		return api.CidUndef, d.note(err)
	}
	pinned, err := d.ClusterDAGService.Finalize(ctx, root)
	return pinned, d.note(err)
}

// note keeps the first error and returns err.
func (d *watchedDAG) note(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.added = true
	if d.err == nil {
		d.err = err
	}
	return err
}

// explain classifies the error of an upload: it is of the cluster, of a client that is
// gone, or of the upload itself.
func (d *watchedDAG) explain(ctx context.Context, err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var own *pinset.Error
	switch {
	case errors.As(err, &own):
		return own
	case d.err != nil:
		return pinset.Translate(d.err)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return pinset.Invalid("body", "%v", err)
}

// shardLimit counts the blocks of a shard as the library fills it. A shard with more
// than sharding.MaxLinks blocks would get intermediate nodes, and the library would pin
// these without the blocks, which would then be collected as garbage.
type shardLimit struct {
	limit uint64
	size  uint64
	links int
	seen  map[cid.Cid]struct{}
}

// newShardLimit returns the limit for shards of a size in bytes.
func newShardLimit(size uint64) *shardLimit {
	return &shardLimit{limit: size, seen: make(map[cid.Cid]struct{})}
}

// take counts a block once, and returns an error for one too many.
func (s *shardLimit) take(node ipld.Node) error {
	if s == nil {
		return nil
	}
	if _, ok := s.seen[node.Cid()]; ok {
		return nil
	}
	s.seen[node.Cid()] = struct{}{}
	size := uint64(len(node.RawData()))
	if s.size+size >= s.limit {
		s.size, s.links = 0, 0
	}
	s.size += size
	if s.links++; s.links > sharding.MaxLinks {
		return pinset.Invalid("shard-size", "a shard would have more than %d blocks: it must be smaller, or the chunks larger", sharding.MaxLinks)
	}
	return nil
}

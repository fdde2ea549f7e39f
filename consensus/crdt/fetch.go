package crdt

import (
	"context"
	"slices"
	"sync"
	"time"

	ipfslite "github.com/hsanjuan/ipfs-lite"
	"github.com/ipfs/boxo/datastore/dshelp"
	"github.com/ipfs/boxo/ipld/merkledag"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	ipld "github.com/ipfs/go-ipld-format"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// callTimeout bounds a request.
	callTimeout = 5 * time.Second
	// A request is for firstNodes nodes, each further one for moreNodes times as many:
	// as a rule one or two nodes are missing, and sometimes all.
	firstNodes = 16
	moreNodes  = 8 // times as many
	// exclusiveTimeout is how long a request waits for the response to another one.
	// Peers that announce the same changes are asked one after the other, so that no
	// node is sent twice. A slow peer delays requests to others by this at most.
	exclusiveTimeout = 250 * time.Millisecond
	// processedKey is the key below which go-ds-crdt marks nodes as applied.
	processedKey = "b"
)

// fetcher fetches missing nodes from other peers into the blockstore of this peer.
type fetcher struct {
	host      host.Host
	client    *rpc.Client
	dag       *ipfslite.Peer
	store     datastore.Datastore
	applied   datastore.Key
	heads     func(context.Context) []cid.Cid // of this peer
	timeout   time.Duration                   // of a question
	log       *boundedLog
	exclusive chan struct{} // semaphore: has a value when no request is in progress

	mu       sync.Mutex
	backoffs map[peer.ID]time.Time // until when
	calls    map[peer.ID]*calls    // that wait for an answer
}

// newFetcher returns a fetcher for the broadcaster. It reads marks of applied nodes from the
// store itself: they are written by go-ds-crdt, which has no method that reads one.
func newFetcher(r *Replica) *fetcher {
	h := r.options.Host
	f := &fetcher{
		host:      h,
		client:    rpc.NewClient(boundedHost{Host: h}, nodesProtocol),
		dag:       r.dag,
		store:     r.options.Store,
		applied:   r.namespace.ChildString(processedKey),
		heads:     r.heads,
		timeout:   callTimeout,
		log:       newBoundedLog(),
		exclusive: make(chan struct{}, 1),
		backoffs:  make(map[peer.ID]time.Time),
		calls:     make(map[peer.ID]*calls),
	}
	f.exclusive <- struct{}{}
	return f
}

// fetch fetches the missing ones of heads and their ancestors, from the peer that announced
// them or from others. A first attempt ends soon; a further one (again) has longer
// timeouts and also tries bitswap.
func (f *fetcher) fetch(ctx context.Context, heads []cid.Cid, from peer.ID, again bool) fetched {
	got := fetched{nodes: make(graph), from: from, again: again}
	wanted, err := f.descend(ctx, got.nodes, heads)
	local := len(got.nodes)
	if err == nil {
		wanted, err = f.ask(ctx, &got, wanted)
	}
	if err == nil && len(wanted) > 0 && (again || !servesNodes(f.host, from)) && f.others() {
		wanted, err = f.walk(ctx, &got, wanted)
	}
	if err != nil {
		return fetched{nodes: make(graph), absent: heads, err: err}
	}
	got.received = len(got.nodes) - local
	got.absent = wanted
	return got
}

// local returns the heads and their unapplied ancestors, as far as they are stored here.
func (f *fetcher) local(ctx context.Context, heads []cid.Cid) (graph, error) {
	found := make(graph)
	_, err := f.descend(ctx, found, heads)
	return found, err
}

// ask requests absent nodes and their ancestors from one peer after the other, from each
// as long as it sends some. It returns the nodes that are still absent.
func (f *fetcher) ask(ctx context.Context, got *fetched, wanted []cid.Cid) ([]cid.Cid, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	for _, p := range f.sources(got.from, got.again) {
		got.asked++
		answered := false
		for most := firstNodes; len(wanted) > 0; most = min(most*moreNodes, maxNodes) {
			before := len(got.nodes)
			done := f.wait(ctx, got.again)
			// Other attempts may have fetched some of them meanwhile.
			var failed, err error
			if wanted, err = f.descend(ctx, got.nodes, wanted); err == nil && len(wanted) > 0 {
				failed, err = f.request(ctx, p, wanted, most)
			}
			done()
			if err == nil {
				wanted, err = f.descend(ctx, got.nodes, wanted)
			}
			if err != nil {
				return nil, err
			}
			if failed != nil {
				logger.Debugf("asking %s for nodes: %s", p, failed)
				f.backOff(p)
				break
			}
			answered = true
			if len(got.nodes) == before {
				got.lacking = got.lacking || p == got.from
				break
			}
		}
		if answered {
			got.answered++
		}
		if len(wanted) == 0 {
			break
		}
	}
	return wanted, nil
}

// wait acquires the semaphore for a request, or gives up after exclusiveTimeout; the
// request is made in either case. A further attempt (again) neither waits nor blocks
// others. done must be called after the response.
func (f *fetcher) wait(ctx context.Context, again bool) (done func()) {
	if !again {
		select {
		case <-f.exclusive:
			return func() { f.exclusive <- struct{}{} }
		case <-time.After(exclusiveTimeout):
		case <-ctx.Done():
		}
	}
	return func() {}
}

// request requests absent nodes and their ancestors from p once, and stores the valid
// blocks of the response. failed is p's failure, err is this peer's own. The timeout is
// for the call only: storing the blocks takes as long as it takes.
func (f *fetcher) request(ctx context.Context, p peer.ID, wanted []cid.Cid, most int) (failed, err error) {
	call, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	leave, err := f.enter(call, p)
	if err != nil {
		return err, nil
	}
	defer leave()
	known := f.heads(call)
	wanted = wanted[:min(len(wanted), maxWanted)]
	q := NodesRequest{Wanted: raw(wanted), Known: raw(known[:min(len(known), maxKnown)]), Most: max(most, len(wanted))}
	var a NodesResponse
	if err := f.client.CallContext(call, p, nodesService, belowMethod, q, &a); err != nil {
		return err, nil
	}
	return nil, f.dag.BlockService().AddBlocks(ctx, below(wanted, a.Blocks))
}

// askHeads requests the heads of a peer.
func (f *fetcher) askHeads(ctx context.Context, p peer.ID) ([]cid.Cid, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	leave, err := f.enter(ctx, p)
	if err != nil {
		return nil, err
	}
	defer leave()
	var heads [][]byte
	if err := f.client.CallContext(ctx, p, nodesService, headsMethod, struct{}{}, &heads); err != nil {
		return nil, err
	}
	return onlyNodes(cids(heads[:min(len(heads), maxHeads)]))
}

// below returns the blocks of wanted nodes and of their ancestors. All other blocks of a
// response are dropped, so a peer cannot store anything else here.
func below(wanted []cid.Cid, data [][]byte) (accepted []blocks.Block) {
	sent := make(map[cid.Cid]blocks.Block, min(len(data), maxNodes))
	for _, d := range data[:min(len(data), maxNodes)] {
		if c, err := merkledag.V1CidPrefix().Sum(d); err == nil {
			sent[c], _ = blocks.NewBlockWithCid(d, c)
		}
	}
	// From wanted nodes along links: a block that nothing wanted links to is never reached.
	for queue := slices.Clone(wanted); len(queue) > 0; {
		c := queue[0]
		queue = queue[1:]
		block, ok := sent[c]
		if !ok {
			continue
		}
		delete(sent, c)
		links, err := linksOf(block.RawData())
		if err != nil {
			continue
		}
		accepted = append(accepted, block)
		queue = append(queue, links...)
	}
	return accepted
}

// descend adds from and every unapplied ancestor of it that is stored here to found. It
// returns the CIDs of the nodes whose blocks are missing. It stops at applied nodes: the
// ancestors of an applied node are applied.
func (f *fetcher) descend(ctx context.Context, found graph, from []cid.Cid) (absent []cid.Cid, err error) {
	seen := cid.NewSet()
	// Depth first, with a stack: a DAG of a million nodes is one long chain as a rule.
	for queue := slices.Clone(from); len(queue) > 0; {
		c := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if _, ok := found[c]; ok || !seen.Visit(c) {
			continue
		}
		applied, err := f.store.Has(ctx, f.applied.Child(dshelp.MultihashToDsKey(c.Hash())))
		if err != nil {
			return nil, err
		}
		if applied {
			continue
		}
		links, err := f.links(ctx, c)
		if ipld.IsNotFound(err) {
			absent = append(absent, c)
			continue
		}
		if err != nil {
			return nil, err
		}
		found[c] = links
		queue = append(queue, links...)
	}
	return absent, nil
}

// links returns the parents of a stored node. A damaged block is deleted, so that it is
// fetched again.
func (f *fetcher) links(ctx context.Context, c cid.Cid) ([]cid.Cid, error) {
	block, err := f.dag.BlockStore().Get(ctx, c)
	if err != nil {
		return nil, err
	}
	actual, err := c.Prefix().Sum(block.RawData())
	if err != nil || !actual.Equals(c) {
		f.log.Warnf("the block of node %s is damaged, it is fetched again", c)
		if err := f.dag.BlockStore().DeleteBlock(ctx, c); err != nil {
			return nil, err
		}
		return nil, ipld.ErrNotFound{Cid: c}
	}
	links, err := linksOf(block.RawData())
	if err != nil {
		f.log.Warnf("node %s cannot be read, and is ignored: %s", c, err)
		return nil, nil
	}
	return links, nil
}

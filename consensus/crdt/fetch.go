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
	// callTimeout bounds a question.
	callTimeout = 5 * time.Second
	// A question is for few nodes first, then for more and more: as a rule one
	// or two are missing, and sometimes all.
	firstNodes = 16
	moreNodes  = 8 // times as many
	// turnTimeout is how long a question waits for another one to be answered.
	// Two peers that announce the same changes are asked in turns, so that
	// nothing is sent twice. A peer that is slow to answer delays the questions
	// to others by this at most.
	turnTimeout = 250 * time.Millisecond
	// processedKey is where go-ds-crdt notes which nodes are applied.
	processedKey = "b"
)

// fetcher brings missing nodes to this peer's blockstore.
type fetcher struct {
	host    host.Host
	client  *rpc.Client
	dag     *ipfslite.Peer
	store   datastore.Datastore
	applied datastore.Key
	heads   func(context.Context) []cid.Cid // of this peer
	timeout time.Duration                   // of a question
	log     *boundedLog
	turn    chan struct{} // has a value when no question waits for its answer

	mu    sync.Mutex
	avoid map[peer.ID]time.Time // until when
	calls map[peer.ID]*calls    // that wait for an answer
}

func newFetcher(r *Replica) *fetcher {
	h := r.options.Host
	f := &fetcher{
		host:    h,
		client:  rpc.NewClient(boundedHost{Host: h}, nodesProtocol),
		dag:     r.dag,
		store:   r.options.Store,
		applied: r.namespace.ChildString(processedKey),
		heads:   r.heads,
		timeout: callTimeout,
		log:     newBoundedLog(),
		turn:    make(chan struct{}, 1),
		avoid:   make(map[peer.ID]time.Time),
		calls:   make(map[peer.ID]*calls),
	}
	f.turn <- struct{}{}
	return f
}

// fetch brings the missing nodes of heads and their ancestors here, from the
// peer that announced them or from others. A first attempt gives up soon; a
// further one (again) also tries bitswap, and is patient.
func (f *fetcher) fetch(ctx context.Context, heads []cid.Cid, from peer.ID, again bool) fetched {
	got := fetched{nodes: make(graph)}
	wanted, err := f.descend(ctx, got.nodes, heads)
	local := len(got.nodes)
	if err == nil {
		wanted, err = f.ask(ctx, &got, wanted, from, again)
	}
	if err == nil && len(wanted) > 0 && (again || !speaks(f.host, from)) && f.others() {
		wanted, err = f.walk(ctx, &got, wanted, from, again)
	}
	if err != nil {
		return fetched{nodes: make(graph), absent: heads, err: err}
	}
	got.came = len(got.nodes) - local
	got.absent = wanted
	return got
}

// local returns the unapplied ancestors of heads that are here, and the heads.
func (f *fetcher) local(ctx context.Context, heads []cid.Cid) (graph, error) {
	found := make(graph)
	_, err := f.descend(ctx, found, heads)
	return found, err
}

// ask asks one peer after the other for absent nodes and their ancestors, each as
// long as some come. It returns the nodes that are absent after that.
func (f *fetcher) ask(ctx context.Context, got *fetched, wanted []cid.Cid, from peer.ID, again bool) ([]cid.Cid, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	for _, p := range f.sources(from, again) {
		got.asked++
		answered := false
		for most := firstNodes; len(wanted) > 0; most = min(most*moreNodes, maxNodes) {
			before := len(got.nodes)
			done := f.wait(ctx, again)
			// Other attempts have fetched meanwhile.
			var failed, err error
			if wanted, err = f.descend(ctx, got.nodes, wanted); err == nil && len(wanted) > 0 {
				failed, err = f.question(ctx, p, wanted, most)
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
				f.shun(p)
				break
			}
			answered = true
			if len(got.nodes) == before {
				got.lacking = got.lacking || p == from
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

// wait returns when it is time for a question, after turnTimeout at the latest. A
// further attempt (again) does not wait, nor have others wait. Call done after the
// answer.
func (f *fetcher) wait(ctx context.Context, again bool) (done func()) {
	if !again {
		select {
		case <-f.turn:
			return func() { f.turn <- struct{}{} }
		case <-time.After(turnTimeout):
		case <-ctx.Done():
		}
	}
	return func() {}
}

// question asks a peer once for absent nodes, and stores those that it sends.
// failed is the peer's failure, err this peer's: a peer that is slow to answer
// leaves this one all the time that it needs to store.
func (f *fetcher) question(ctx context.Context, p peer.ID, wanted []cid.Cid, most int) (failed, err error) {
	call, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	leave, err := f.enter(call, p)
	if err != nil {
		return err, nil
	}
	defer leave()
	known := f.heads(call)
	wanted = wanted[:min(len(wanted), maxWanted)]
	q := Question{Wanted: raw(wanted), Known: raw(known[:min(len(known), maxKnown)]), Most: max(most, len(wanted))}
	var a Answer
	if err := f.client.CallContext(call, p, nodesService, belowMethod, q, &a); err != nil {
		return err, nil
	}
	return nil, f.dag.BlockService().AddBlocks(ctx, below(wanted, a.Blocks))
}

// askHeads asks a peer for its heads.
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

// below returns those blocks that are wanted ones, or linked to from there.
// Others are refused, whoever sends them.
func below(wanted []cid.Cid, data [][]byte) (accepted []blocks.Block) {
	sent := make(map[cid.Cid]blocks.Block, min(len(data), maxNodes))
	for _, d := range data[:min(len(data), maxNodes)] {
		if c, err := merkledag.V1CidPrefix().Sum(d); err == nil {
			sent[c], _ = blocks.NewBlockWithCid(d, c)
		}
	}
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

// descend adds every unapplied ancestor of from that is here, and from itself,
// to found. It returns the CIDs of the nodes that are absent.
func (f *fetcher) descend(ctx context.Context, found graph, from []cid.Cid) (absent []cid.Cid, err error) {
	seen := cid.NewSet()
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

// links returns the parents of a node that is here. A block that is damaged is
// removed, so that it is fetched anew.
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

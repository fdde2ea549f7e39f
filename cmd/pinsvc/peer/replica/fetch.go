package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	// callTimeout bounds a question. A peer that does not answer is not asked
	// again for avoidTime, or until it is heard.
	callTimeout = 5 * time.Second
	avoidTime   = 30 * time.Second
	// A question is for few nodes first, then for more and more: as a rule one
	// or two are missing, and sometimes all.
	firstNodes = 16
	moreNodes  = 8 // times as many
	// maxOthers is how many peers are asked that have announced nothing.
	maxOthers = 3
	// processedKey is where go-ds-crdt notes which nodes are applied.
	processedKey = "b"
)

var errNobody = errors.New("no peer has answered")

// fetcher brings nodes here that are missing. It is for one goroutine.
type fetcher struct {
	host    host.Host
	client  *rpc.Client
	dag     *ipfslite.Peer
	store   datastore.Datastore
	applied datastore.Key
	heads   func(context.Context) []cid.Cid // of this peer
	avoid   map[peer.ID]time.Time           // until when
	timeout time.Duration                   // of a question
}

func newFetcher(r *Replica) *fetcher {
	h := r.options.Host
	return &fetcher{
		host:    h,
		client:  rpc.NewClient(h, nodesProtocol),
		dag:     r.dag,
		store:   r.options.Store,
		applied: r.namespace.ChildString(processedKey),
		heads:   r.heads,
		avoid:   make(map[peer.ID]time.Time),
		timeout: callTimeout,
	}
}

// standing returns the announced nodes, and before each what it stands on and
// is not applied here. All that is here then, unless nobody could be asked.
func (f *fetcher) standing(ctx context.Context, heads []head) []cid.Cid {
	var all []cid.Cid
	var from []peer.ID
	for _, h := range slices.Backward(heads) { // the newest has most of them below it
		if !slices.Contains(all, h.cid) {
			all = append(all, h.cid)
		}
		if !slices.Contains(from, h.from) {
			delete(f.avoid, h.from) // it is there
			from = append(from, h.from)
		}
	}
	missing, err := f.missing(ctx, all, from)
	if err != nil {
		logger.Debugf("nodes come one by one: %s", err)
		slices.Reverse(all)
		return all
	}
	order := missing.order(all)
	for _, c := range all { // known ones, too: go-ds-crdt need not announce them again
		if _, ok := missing[c]; !ok {
			order = append(order, c)
		}
	}
	return order
}

// missing fetches what is not here of nodes and below them, and returns all
// that is not applied.
func (f *fetcher) missing(ctx context.Context, heads []cid.Cid, from []peer.ID) (graph, error) {
	found := make(graph)
	wanted, err := f.descend(ctx, found, heads)
	if err != nil {
		return nil, err
	}
	sources := f.sources(from)
	for most := firstNodes; len(wanted) > 0; most = min(most*moreNodes, maxNodes) {
		if len(sources) == 0 {
			return nil, errNobody
		}
		before := len(found)
		if err := f.ask(ctx, sources[0], wanted, most); err != nil {
			logger.Debugf("asking %s for nodes: %s", sources[0], err)
			f.avoid[sources[0]] = time.Now().Add(avoidTime)
		} else if wanted, err = f.descend(ctx, found, wanted); err != nil {
			return nil, err
		}
		if len(found) == before {
			sources = sources[1:]
		}
	}
	return found, nil
}

// descend adds to the graph what is here of nodes and below them and is not
// applied. It returns what is not here.
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
		block, err := f.dag.BlockStore().Get(ctx, c)
		if ipld.IsNotFound(err) {
			absent = append(absent, c)
			continue
		}
		if err != nil {
			return nil, err
		}
		links, err := linksOf(block.RawData())
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", c, err)
		}
		found[c] = links
		queue = append(queue, links...)
	}
	return absent, nil
}

// sources are the peers to be asked: those that have announced something, then
// some others.
func (f *fetcher) sources(from []peer.ID) []peer.ID {
	var all []peer.ID
	for _, p := range from {
		if f.answers(p) {
			all = append(all, p)
		}
	}
	most := len(all) + maxOthers
	for _, p := range f.host.Network().Peers() {
		if len(all) == most {
			break
		}
		if !slices.Contains(all, p) && f.answers(p) {
			all = append(all, p)
		}
	}
	return all
}

// answers tells whether a peer is expected to answer questions.
func (f *fetcher) answers(p peer.ID) bool {
	if until, ok := f.avoid[p]; ok {
		if time.Now().Before(until) {
			return false
		}
		delete(f.avoid, p)
	}
	return p != f.host.ID() && speaks(f.host, p)
}

// speaks tells whether a peer has said that it answers questions.
func speaks(h host.Host, p peer.ID) bool {
	known, err := h.Peerstore().SupportsProtocols(p, nodesProtocol)
	return err == nil && len(known) > 0
}

// ask asks a peer for nodes and what is below them, and stores what it sends
// of that.
func (f *fetcher) ask(ctx context.Context, p peer.ID, wanted []cid.Cid, most int) error {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	known := f.heads(ctx)
	q := Question{Wanted: raw(wanted), Known: raw(known[:min(len(known), maxKnown)]), Most: max(most, len(wanted))}
	var a Answer
	if err := f.client.CallContext(ctx, p, nodesService, belowMethod, q, &a); err != nil {
		return err
	}
	return f.dag.BlockService().AddBlocks(ctx, below(wanted, a.Blocks))
}

// below returns those blocks that are wanted ones, or linked to from there.
// Others are nobody's business, whoever sends them.
func below(wanted []cid.Cid, data [][]byte) (accepted []blocks.Block) {
	sent := make(map[cid.Cid]blocks.Block, len(data))
	for _, d := range data {
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

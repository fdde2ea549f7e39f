package crdt

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ipfs/boxo/datastore/dshelp"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	"github.com/ipfs/go-ds-crdt/pb"
	ipld "github.com/ipfs/go-ipld-format"
	"google.golang.org/protobuf/proto"
)

const (
	// After every paceNodes nodes a walk pauses for as long as it has worked, so that it
	// takes at most half of a processor.
	paceNodes = 256
	// fetchTimeout bounds a request of a walk, or the fetch of its nodes with bitswap.
	fetchTimeout = 15 * time.Second
	// maxRequested bounds the nodes in one request of a walk.
	maxRequested = 64
)

// Keys of go-ds-crdt's set, below the namespace.
var setKey, elementsKey, tombstonesKey = "s", "s", "t"

// digest is the end of a node's hash. It takes less memory than a CID: a walk
// keeps one of every node, about 40 bytes each.
type digest [16]byte

func digestOf(c cid.Cid) (d digest) {
	hash := c.Hash()
	copy(d[:], hash[max(0, len(hash)-len(d)):])
	return d
}

// walker walks the DAG once. It is for one goroutine.
type walker struct {
	replica   *Replica
	seen      map[digest]struct{}
	missing   []cid.Cid // not here, without duplicates
	unapplied []cid.Cid // seen and not applied
	nodes     int       // seen
	fetched   int
	resumed   time.Time // since when the walk works
}

func newWalker(r *Replica) *walker {
	return &walker{replica: r, seen: make(map[digest]struct{}), resumed: time.Now()}
}

// takeMissing returns the missing nodes and forgets them, so that the next phase of the walk
// reports its own.
func (w *walker) takeMissing() []cid.Cid {
	missing := w.missing
	w.missing = nil
	return missing
}

// complete walks down from nodes to the roots, and fetches missing nodes from connected
// peers. The nodes that none of them has sent are in missing after it.
func (w *walker) complete(ctx context.Context, from []cid.Cid) error {
	// Received nodes may have missing ancestors themselves.
	for len(from) > 0 {
		if err := w.descend(ctx, from); err != nil {
			return err
		}
		var err error
		if from, err = w.replica.fetchNodes(ctx, w.missing); err != nil {
			return err
		}
		w.fetched += len(from)
		received := cid.NewSet()
		for _, c := range from {
			received.Add(c)
		}
		w.missing = slices.DeleteFunc(w.missing, received.Has)
	}
	return nil
}

// descend walks down from nodes through all stored nodes.
func (w *walker) descend(ctx context.Context, from []cid.Cid) error {
	absent := cid.NewSet()
	for _, c := range w.missing {
		absent.Add(c)
	}
	for stack := slices.Clone(from); len(stack) > 0; {
		c := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if _, ok := w.seen[digestOf(c)]; ok || absent.Has(c) {
			continue
		}
		block, err := w.replica.dag.BlockStore().Get(ctx, c)
		if ipld.IsNotFound(err) {
			absent.Add(c)
			w.missing = append(w.missing, c)
			continue
		}
		if err != nil {
			return err
		}
		w.seen[digestOf(c)] = struct{}{}
		links, err := linksOf(block.RawData())
		if err != nil {
			return fmt.Errorf("node %s: %w", c, err)
		}
		stack = append(stack, links...)
		applied, err := w.replica.journal.isApplied(ctx, c)
		if err != nil {
			return err
		}
		if !applied {
			w.unapplied = append(w.unapplied, c)
		}
		if err := w.pace(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pace counts a node and pauses when it is time.
func (w *walker) pace(ctx context.Context) error {
	w.nodes++
	if w.nodes%paceNodes != 0 {
		return nil
	}
	select {
	case <-time.After(min(time.Since(w.resumed), 100*time.Millisecond)):
	case <-ctx.Done():
		return ctx.Err()
	}
	w.resumed = time.Now()
	return nil
}

// stillUnapplied returns the walked nodes that are not applied now, except those
// that are being applied.
func (w *walker) stillUnapplied(ctx context.Context) (all []cid.Cid, err error) {
	for _, c := range w.unapplied {
		applied, err := w.replica.journal.isApplied(ctx, c)
		if err != nil {
			return nil, err
		}
		if !applied {
			all = append(all, c)
		}
	}
	return all, nil
}

// orphans returns the nodes that are stored, have changed the state, and are
// below no head: other peers cannot get them. Nodes that are being applied now
// are none.
func (w *walker) orphans(ctx context.Context) ([]cid.Cid, error) {
	candidates, err := w.unseen(ctx)
	if err != nil || len(candidates) == 0 {
		return nil, err
	}
	// Read after the candidates were listed: a node that was stored meanwhile is in the journal
	// until it is a head.
	busy := w.replica.journal.open()
	// Nodes that have become heads since the walk began.
	if err := w.descend(ctx, w.replica.heads(ctx)); err != nil {
		return nil, err
	}
	var all []cid.Cid
	for _, c := range candidates {
		if _, ok := w.seen[digestOf(c)]; ok || slices.ContainsFunc(busy, func(e entry) bool { return e.cid.Equals(c) }) {
			continue
		}
		changed, err := w.hasChanged(ctx, c)
		if err != nil {
			return nil, err
		}
		if changed {
			all = append(all, c)
		}
	}
	return all, nil
}

// unseen returns the stored nodes that the walk has not reached.
func (w *walker) unseen(ctx context.Context) (all []cid.Cid, err error) {
	prefix := w.replica.journal.blocks.String()
	found, err := w.replica.journal.Query(ctx, query.Query{Prefix: prefix, KeysOnly: true})
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for r := range found.Next() {
		if r.Error != nil {
			return nil, r.Error
		}
		c, err := dshelp.DsKeyToCidV1(datastore.NewKey(strings.TrimPrefix(r.Key, prefix)), cid.DagProtobuf)
		if err != nil {
			continue // no node
		}
		if _, ok := w.seen[digestOf(c)]; !ok {
			all = append(all, c)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return all, nil
}

// hasChanged reports whether a node has changed the state, if only in part: it is
// marked as applied, or its tombstones or values are there. Each kind is written
// at once, so the first is enough.
func (w *walker) hasChanged(ctx context.Context, c cid.Cid) (bool, error) {
	j := w.replica.journal
	if applied, err := j.isApplied(ctx, c); applied || err != nil {
		return applied, err
	}
	block, err := w.replica.dag.BlockStore().Get(ctx, c)
	if err != nil {
		return false, err
	}
	var delta pb.Delta
	node, err := merkledag.DecodeProtobuf(block.RawData())
	if err != nil || proto.Unmarshal(node.Data(), &delta) != nil {
		return false, nil // no node of a CRDT
	}
	set := j.root.ChildString(setKey)
	// The first of each kind speaks for all: one commit wrote them.
	if tombs := delta.GetTombstones(); len(tombs) > 0 {
		t := tombs[0]
		there, err := j.Has(ctx, set.ChildString(tombstonesKey).ChildString(t.GetKey()).ChildString(t.GetId()))
		if there || err != nil {
			return there, err
		}
	}
	if elements := delta.GetElements(); len(elements) > 0 {
		return j.Has(ctx, set.ChildString(elementsKey).ChildString(elements[0].GetKey()).ChildString(nameOf(c)))
	}
	return false, nil
}

// tips returns the nodes that none of the other given nodes links to.
func (w *walker) tips(ctx context.Context, nodes []cid.Cid) ([]cid.Cid, error) {
	linked := cid.NewSet()
	for _, c := range nodes {
		block, err := w.replica.dag.BlockStore().Get(ctx, c)
		if err != nil {
			return nil, err
		}
		links, err := linksOf(block.RawData())
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			linked.Add(l)
		}
	}
	return slices.DeleteFunc(slices.Clone(nodes), linked.Has), nil
}

package crdt

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/datastore/dshelp"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
)

// Keys below the namespace of the CRDT. Those of go-ds-crdt are given by its
// source; ours has a name that go-ds-crdt does not use, and goes with the rest
// when the pinset is cleaned.
const (
	headsKey   = "h"
	dirtyKey   = "d"
	ownKey     = "pinsvc"
	journalKey = "journal" // below ownKey: nodes that are being applied
)

// Values of journal entries.
var (
	wholeNode  = []byte("n") // all its ancestors are applied
	branchNode = []byte("b") // some are not
)

// journal is the datastore of go-ds-crdt. go-ds-crdt applies a node in several
// writes: the block, tombstones, values, the mark that it is applied, the heads.
// A process that ends in between leaves changes in its state that are under no
// head, so no other peer ever gets them. The journal has an entry for each node
// from its first write (in the same batch as the block of a new node) until the
// node is a head (in the same batch as the head). What it has at a start is
// exactly the nodes whose application was interrupted.
//
// It is safe for concurrent use.
type journal struct {
	datastore.Batching
	root, entries, applied, heads, blocks datastore.Key

	mu    sync.Mutex
	nodes map[string]*entry // by the last part of the keys of the node
}

// entry is a node that is being applied.
type entry struct {
	cid     cid.Cid
	since   time.Time
	stored  bool // in the datastore
	applied bool // go-ds-crdt has marked it
	branch  bool
	again   bool          // it is applied once more
	done    chan struct{} // closed when the node is a head, or the entry is dropped
}

// openJournal reads the entries that an interrupted process has left.
func openJournal(ctx context.Context, store datastore.Batching, ns datastore.Key) (*journal, error) {
	j := &journal{
		Batching: store,
		root:     ns,
		entries:  ns.ChildString(ownKey).ChildString(journalKey),
		applied:  ns.ChildString(processedKey),
		heads:    ns.ChildString(headsKey),
		blocks:   ns.ChildString(crdt.BlocksNs).Child(blockstore.BlockPrefix),
		nodes:    make(map[string]*entry),
	}
	// A few entries at most: nodes are in the journal for milliseconds.
	found, err := store.Query(ctx, query.Query{Prefix: j.entries.String()})
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for r := range found.Next() {
		if r.Error != nil {
			return nil, r.Error
		}
		name := strings.TrimPrefix(r.Key, j.entries.String())
		c, err := dshelp.DsKeyToCidV1(datastore.NewKey(name), cid.DagProtobuf)
		if err != nil {
			return nil, fmt.Errorf("the journal of the pinset has the key %s: %w", r.Key, err)
		}
		j.nodes[name] = &entry{cid: c, stored: true, branch: string(r.Value) == string(branchNode), done: make(chan struct{})}
	}
	return j, nil
}

// nameOf returns the last part of all keys of a node, with a slash before it.
func nameOf(c cid.Cid) string { return dshelp.MultihashToDsKey(c.Hash()).String() }

// nameIn returns the name of the node that a key directly below parent is of.
func nameIn(parent, key datastore.Key) (string, bool) {
	name, ok := strings.CutPrefix(key.String(), parent.String())
	return name, ok && len(name) > 1 && name[0] == '/' && strings.IndexByte(name[1:], '/') < 0
}

// keyOf returns the key of a node's journal entry.
func (j *journal) keyOf(name string) datastore.Key { return j.entries.Child(datastore.RawKey(name)) }

// appliedKey returns the key with which go-ds-crdt marks a node as applied.
func (j *journal) appliedKey(c cid.Cid) datastore.Key {
	return j.applied.Child(datastore.RawKey(nameOf(c)))
}

// isApplied reports whether go-ds-crdt has marked a node as applied.
func (j *journal) isApplied(ctx context.Context, c cid.Cid) (bool, error) {
	return j.Has(ctx, j.appliedKey(c))
}

// isDirty reports whether go-ds-crdt has failed to apply something.
func (j *journal) isDirty(ctx context.Context) (bool, error) {
	return j.Has(ctx, j.root.ChildString(dirtyKey))
}

// expect registers a new node of this peer, whose entry is written with its block.
func (j *journal) expect(c cid.Cid) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok := j.nodes[nameOf(c)]; !ok {
		j.nodes[nameOf(c)] = &entry{cid: c, since: time.Now(), done: make(chan struct{})}
	}
}

// begin writes the entry of a node, if there is none. branch says that not all ancestors
// are applied: such an entry stays until end is called.
func (j *journal) begin(ctx context.Context, c cid.Cid, branch bool) error {
	j.expect(c)
	j.mu.Lock()
	e := j.nodes[nameOf(c)]
	stored := e != nil && e.stored
	j.mu.Unlock()
	if e == nil || stored {
		return nil
	}
	value := wholeNode
	if branch {
		value = branchNode
	}
	if err := j.Batching.Put(ctx, j.keyOf(nameOf(c)), value); err != nil {
		j.forget(nameOf(c))
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	e.stored, e.branch = true, branch
	return nil
}

// end removes the entry of a node, if there is one.
func (j *journal) end(ctx context.Context, c cid.Cid) error {
	name := nameOf(c)
	j.mu.Lock()
	_, ok := j.nodes[name]
	j.mu.Unlock()
	if !ok {
		return nil
	}
	if err := j.Batching.Delete(ctx, j.keyOf(name)); err != nil {
		return err
	}
	j.forget(name)
	return nil
}

// forget removes the entry of a node from memory, and wakes who waits for the node.
func (j *journal) forget(name string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if e, ok := j.nodes[name]; ok {
		close(e.done)
		delete(j.nodes, name)
	}
}

// open returns copies of the entries.
func (j *journal) open() (all []entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.nodes {
		all = append(all, *e)
	}
	return all
}

// has reports whether there is an entry of a node.
func (j *journal) has(c cid.Cid) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, ok := j.nodes[nameOf(c)]
	return ok
}

// begins reports whether a write to key is the first write of a new node of this peer.
func (j *journal) begins(key datastore.Key) (name string, ok bool) {
	if name, ok = nameIn(j.blocks, key); !ok {
		return "", false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	e, ok := j.nodes[name]
	return name, ok && !e.stored
}

// ends reports whether a write to key makes an applied node a head, which completes its
// entry. A head that is not applied does not count: a peer without heads stores the first
// announced heads before it applies them.
func (j *journal) ends(key datastore.Key) (name string, ok bool) {
	if name, ok = nameIn(j.heads, key); !ok {
		return "", false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	e, ok := j.nodes[name]
	return name, ok && e.stored && e.applied && !e.branch
}

// Put implements datastore.Write. The first write of a node is one batch with the node's
// entry.
func (j *journal) Put(ctx context.Context, key datastore.Key, value []byte) error {
	if name, ok := nameIn(j.applied, key); ok {
		if err := j.Batching.Put(ctx, key, value); err != nil {
			return err
		}
		j.mark(name)
		return nil
	}
	begins, first := j.begins(key)
	_, last := j.ends(key)
	if !first && !last {
		return j.Batching.Put(ctx, key, value)
	}
	b, err := j.Batch(ctx)
	if err != nil {
		return err
	}
	if err := b.Put(ctx, key, value); err != nil {
		return err
	}
	if first {
		if err := b.Put(ctx, j.keyOf(begins), wholeNode); err != nil {
			return err
		}
	}
	if err := b.Commit(ctx); err != nil {
		return err
	}
	if first {
		j.mu.Lock()
		defer j.mu.Unlock()
		if e, ok := j.nodes[begins]; ok {
			e.stored = true
		}
	}
	return nil
}

// mark notes that go-ds-crdt has marked a node as applied.
func (j *journal) mark(name string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if e, ok := j.nodes[name]; ok {
		e.applied = true
	}
}

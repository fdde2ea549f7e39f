package crdt

import (
	"context"
	"sync"

	ipfslite "github.com/hsanjuan/ipfs-lite"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs/boxo/blockstore"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/namespace"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/routing"
)

// noReprovide disables the announcement of every node in the DHT. Bitswap of
// CRDT peers never searches the DHT, and the goroutine behind it outlives the
// datastore.
const noReprovide = -1

// guard is the blockstore of the DAG's nodes. ipfs-lite and bitswap read it in
// goroutines that cannot be waited for: after close they get an error and
// nothing reaches the datastore any more.
type guard struct {
	inner blockstore.Blockstore

	mu     sync.RWMutex // held for reading during each call
	closed bool
}

// peerNetwork is the way to other peers. The zero value is none.
type peerNetwork struct {
	host host.Host
	dht  routing.Routing
}

// openDAG opens the DAG that is stored below a namespace. Without a host it is
// offline. Close the guard before the datastore is closed.
//
// The blockstore has no cache: ipfs-lite's lists every block at each start, for
// a Bloom filter, and the databases below have filters and caches of their own.
func openDAG(ctx context.Context, store datastore.Batching, ns datastore.Key, n peerNetwork) (*ipfslite.Peer, *guard, error) {
	wrapped := namespace.Wrap(store, ns.ChildString(crdt.BlocksNs))
	g := &guard{inner: blockstore.NewBlockstore(wrapped, blockstore.WriteThrough(true))}
	dag, err := ipfslite.New(ctx, wrapped, g, n.host, n.dht, &ipfslite.Config{
		Offline:            n.host == nil,
		UncachedBlockstore: true,
		ReprovideInterval:  noReprovide,
	})
	return dag, g, err
}

// close waits for calls in progress. Later calls fail.
func (g *guard) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// call runs f, during which close waits. It fails when the guard is closed.
func (g *guard) call(f func() error) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return errStopped
	}
	return f()
}

// DeleteBlock implements blockstore.Blockstore. Like the following methods it returns
// errStopped after close.
func (g *guard) DeleteBlock(ctx context.Context, c cid.Cid) error {
	return g.call(func() error { return g.inner.DeleteBlock(ctx, c) })
}

func (g *guard) Has(ctx context.Context, c cid.Cid) (has bool, err error) {
	err = g.call(func() error { has, err = g.inner.Has(ctx, c); return err })
	return has, err
}

func (g *guard) Get(ctx context.Context, c cid.Cid) (b blocks.Block, err error) {
	err = g.call(func() error { b, err = g.inner.Get(ctx, c); return err })
	return b, err
}

func (g *guard) GetSize(ctx context.Context, c cid.Cid) (size int, err error) {
	err = g.call(func() error { size, err = g.inner.GetSize(ctx, c); return err })
	return size, err
}

func (g *guard) Put(ctx context.Context, b blocks.Block) error {
	return g.call(func() error { return g.inner.Put(ctx, b) })
}

func (g *guard) PutMany(ctx context.Context, bs []blocks.Block) error {
	return g.call(func() error { return g.inner.PutMany(ctx, bs) })
}

// AllKeysChan is not offered: its goroutine would go on after close.
func (g *guard) AllKeysChan(context.Context) (<-chan cid.Cid, error) {
	return nil, errNoListing
}

package crdt

import (
	"context"

	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	ipld "github.com/ipfs/go-ipld-format"
)

// Batch implements datastore.Batching.
func (j *journal) Batch(ctx context.Context) (datastore.Batch, error) {
	b, err := j.Batching.Batch(ctx)
	return &journalBatch{Batch: b, journal: j}, err
}

// journalBatch removes the entry of each node that it makes a head.
type journalBatch struct {
	datastore.Batch
	journal *journal
	ended   []string
}

// Put implements datastore.Write. The key of a head of an applied node comes with the removal
// of its entry: either both are on disk after a kill, or neither.
func (b *journalBatch) Put(ctx context.Context, key datastore.Key, value []byte) error {
	if name, ok := b.journal.ends(key); ok {
		if err := b.Batch.Delete(ctx, b.journal.keyOf(name)); err != nil {
			return err
		}
		b.ended = append(b.ended, name)
	}
	return b.Batch.Put(ctx, key, value)
}

// Commit implements datastore.Batch. Entries are removed from memory only after it.
func (b *journalBatch) Commit(ctx context.Context) error {
	if err := b.Batch.Commit(ctx); err != nil {
		return err
	}
	for _, name := range b.ended {
		b.journal.forget(name)
	}
	return nil
}

// journaled is the DAG service of go-ds-crdt, which adds nodes only when it
// commits changes of this peer.
type journaled struct {
	dagService
	journal *journal
}

// dagService is what go-ds-crdt uses of ipfs-lite.
type dagService interface {
	ipld.DAGService
	Session(context.Context) ipld.NodeGetter
}

// Add implements ipld.DAGService. The entry is registered first, so that the write of the
// block finds it (journal.Put).
func (d journaled) Add(ctx context.Context, n ipld.Node) error {
	d.journal.expect(n.Cid())
	if err := d.dagService.Add(ctx, n); err != nil {
		d.journal.cancel(n.Cid())
		return err
	}
	return d.journal.begin(ctx, n.Cid(), false) // when the block was there before
}

// cancel removes the entry of a node if nothing of the node was written.
func (j *journal) cancel(c cid.Cid) {
	j.mu.Lock()
	e, ok := j.nodes[nameOf(c)]
	drop := ok && !e.stored
	j.mu.Unlock()
	if drop {
		j.forget(nameOf(c))
	}
}

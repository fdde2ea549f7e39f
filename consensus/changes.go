package consensus

import (
	"context"
	"strings"
	"sync"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/datastore/dshelp"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	logging "github.com/ipfs/go-log/v2"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

var logger = logging.Logger("pinsvc")

// Feed notifies its subscribers of every change of the cluster's state, each
// once and after its commit: a subscriber that reads the state sees the change,
// or a later one. Changes of one CID arrive in the order of their commits.
//
// The hooks of go-ds-crdt cannot serve for that: PutHook runs before the commit.
// Raft has none, and a snapshot of another peer passes the tracker by. So the
// feed stands below both, in the datastore that they keep the state in.
type Feed struct {
	mu          sync.Mutex // held while a change is delivered
	subscribers []func(pinset.Change)
}

// Subscribe sets who is notified of the changes from now on, in this order. It is
// called once, before anything reads the state: what was committed earlier, such as
// the snapshot that a Raft peer starts with, belongs to the state that is read at the
// start. Subscribers are called by the goroutine that commits, while nothing else can
// be committed: they must not wait for anything.
func (f *Feed) Subscribe(subscribers ...func(pinset.Change)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subscribers = subscribers
}

// commit notifies the subscribers of a committed write.
func (f *Feed) commit(w write) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deliver(w)
}

// deliver calls the subscribers. The caller holds mu.
func (f *Feed) deliver(w write) {
	if len(f.subscribers) == 0 || w.value == nil && !w.existed {
		return // nobody subscribed yet, or a removal of a pin that did not exist
	}
	change := pinset.Change{CID: w.cid, Existed: w.existed}
	if w.value != nil {
		if err := change.Pin.ProtoUnmarshal(w.value); err != nil {
			logger.Errorf("the pin %s in the state cannot be decoded: %s", w.cid, err)
			return
		}
		change.Pin.Cid = w.cid
	}
	for _, notify := range f.subscribers {
		notify(change)
	}
}

// write is a write to the key of a pin.
type write struct {
	cid     api.Cid
	key     datastore.Key
	value   []byte // nil when the pin is removed
	existed bool
}

// observed is the datastore of the state, whose writes notify the feed.
type observed struct {
	datastore.Datastore
	feed  *Feed
	cidOf func(datastore.Key) (api.Cid, bool) // of the keys of pins
}

// Raft returns a datastore for a Raft consensus, whose state has the pins in
// keys that end in their CID.
func (f *Feed) Raft(store datastore.Datastore) datastore.Datastore {
	return &observed{store, f, func(key datastore.Key) (api.Cid, bool) { return cidOf(key.BaseNamespace()) }}
}

// CRDT returns a datastore for a CRDT consensus. go-ds-crdt keeps the value that
// counts for a CID in <namespace>/s/k/<CID>/v.
func (f *Feed) CRDT(store datastore.Batching, namespace datastore.Key) datastore.Batching {
	prefix, suffix := namespace.String()+"/s/k/", "/v"
	return &observedBatching{store, observed{store, f, func(key datastore.Key) (api.Cid, bool) {
		name, ok := strings.CutPrefix(key.String(), prefix)
		if !ok {
			return api.CidUndef, false
		}
		if name, ok = strings.CutSuffix(name, suffix); !ok {
			return api.CidUndef, false
		}
		return cidOf(name)
	}}}
}

// cidOf decodes the part of a key that names a CID.
func cidOf(name string) (api.Cid, bool) {
	raw, err := dshelp.BinaryFromDsKey(datastore.NewKey(name))
	if err != nil {
		return api.CidUndef, false
	}
	c, err := cid.Cast(raw)
	return api.NewCid(c), err == nil
}

// write describes a write to a key; false if the key is not one of a pin. When reading
// the old value fails, it counts as existing.
func (s *observed) write(ctx context.Context, key datastore.Key, value []byte) (write, bool) {
	c, ok := s.cidOf(key)
	if !ok {
		return write{}, false
	}
	existed, err := s.Has(ctx, key)
	return write{c, key, value, existed || err != nil}, true
}

// Put implements datastore.Write.
func (s *observed) Put(ctx context.Context, key datastore.Key, value []byte) error {
	w, ok := s.write(ctx, key, value)
	err := s.Datastore.Put(ctx, key, value)
	if ok && err == nil {
		s.feed.commit(w)
	}
	return err
}

// Delete implements datastore.Write.
func (s *observed) Delete(ctx context.Context, key datastore.Key) error {
	w, ok := s.write(ctx, key, nil)
	err := s.Datastore.Delete(ctx, key)
	if ok && err == nil {
		s.feed.commit(w)
	}
	return err
}

// observedBatching is an observed datastore with batches.
type observedBatching struct {
	datastore.Batching
	observed observed
}

// Put implements datastore.Write.
func (s *observedBatching) Put(ctx context.Context, key datastore.Key, value []byte) error {
	return s.observed.Put(ctx, key, value)
}

// Delete implements datastore.Write.
func (s *observedBatching) Delete(ctx context.Context, key datastore.Key) error {
	return s.observed.Delete(ctx, key)
}

// Batch implements datastore.Batching.
func (s *observedBatching) Batch(ctx context.Context) (datastore.Batch, error) {
	b, err := s.Batching.Batch(ctx)
	return &observedBatch{Batch: b, observed: &s.observed}, err
}

// observedBatch notifies of the last write to each pin when the batch is committed. Like
// datastore.Batch it is for one goroutine.
type observedBatch struct {
	datastore.Batch
	observed *observed
	writes   []write
	byKey    map[datastore.Key]int // the index of its last write
}

// Put implements datastore.Write.
func (b *observedBatch) Put(ctx context.Context, key datastore.Key, value []byte) error {
	b.note(ctx, key, value)
	return b.Batch.Put(ctx, key, value)
}

// Delete implements datastore.Write.
func (b *observedBatch) Delete(ctx context.Context, key datastore.Key) error {
	b.note(ctx, key, nil)
	return b.Batch.Delete(ctx, key)
}

func (b *observedBatch) note(ctx context.Context, key datastore.Key, value []byte) {
	if i, ok := b.byKey[key]; ok {
		b.writes[i].value = value
		return
	}
	w, ok := b.observed.write(ctx, key, value)
	if !ok {
		return
	}
	if b.byKey == nil {
		b.byKey = make(map[datastore.Key]int)
	}
	b.byKey[key] = len(b.writes)
	b.writes = append(b.writes, w)
}

// Commit implements datastore.Batch.
func (b *observedBatch) Commit(ctx context.Context) error {
	if err := b.Batch.Commit(ctx); err != nil {
		return err
	}
	for _, w := range b.writes {
		b.observed.feed.commit(w)
	}
	b.writes, b.byKey = nil, nil
	return nil
}

package wrap

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p/core/host"
)

// NewRaft returns the library's Raft consensus with a correction. Its
// parameters are those of raft.NewConsensus.
//
// The library decodes every entry of its log into one and the same operation.
// An entry does not have what is empty, so a pin without a name, an expiry,
// origins or metadata gets those of the entry before. The tracker, which gets
// the pin later, shares its map with the entries that follow, and reading it
// then can end the process. The operation is cleared here between entries: the
// state's write to its store comes after the operation was read, and before
// the next entry.
func NewRaft(h host.Host, cfg *raft.Config, store datastore.Datastore, staging bool) (*raft.Consensus, error) {
	clearing := &clearingStore{Datastore: store}
	c, err := raft.NewConsensus(h, cfg, clearing, staging)
	if err != nil {
		return nil, err
	}
	op := reflect.ValueOf(c).Elem().FieldByName("baseOp")
	if !op.IsValid() || op.Type() != reflect.TypeFor[*raft.LogOp]() {
		return nil, errors.Join(errors.New("this version of Raft cannot be corrected"), c.Shutdown(context.Background()))
	}
	clearing.op.Store((*raft.LogOp)(op.UnsafePointer()))
	return c, nil
}

// clearingStore is a datastore that clears Raft's operation at each write.
type clearingStore struct {
	datastore.Datastore
	op atomic.Pointer[raft.LogOp] // nil while a snapshot is restored
}

// Put implements datastore.Write.
func (s *clearingStore) Put(ctx context.Context, key datastore.Key, value []byte) error {
	s.clear()
	return s.Datastore.Put(ctx, key, value)
}

// Delete implements datastore.Write.
func (s *clearingStore) Delete(ctx context.Context, key datastore.Key) error {
	s.clear()
	return s.Datastore.Delete(ctx, key)
}

func (s *clearingStore) clear() {
	if op := s.op.Load(); op != nil {
		op.Cid = api.Pin{}
	}
}

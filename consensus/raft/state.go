package raft

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs-cluster/ipfs-cluster/state/dsstate"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
)

// raftState is the state that a Raft log is applied to. The library calls what
// changes it one after the other, under a mutex.
type raftState struct {
	*dsstate.State

	store     datastore.Datastore // what State is kept in
	namespace datastore.Key       // where
	op        *raft.LogOp         // every entry of the log is decoded into it
}

// Add implements state.State. The entry has been read when it is called, so
// what is left of it is cleared before the next one is decoded.
func (s *raftState) Add(ctx context.Context, pin api.Pin) error {
	s.op.Cid = api.Pin{}
	return s.State.Add(ctx, pin)
}

// Rm implements state.State.
func (s *raftState) Rm(ctx context.Context, c api.Cid) error {
	s.op.Cid = api.Pin{}
	return s.State.Rm(ctx, c)
}

// Unmarshal makes the state what a snapshot says. The library's only adds what
// is in it. A snapshot that cannot be read changes nothing, and who reads the
// state meanwhile never misses a pin that stays.
func (s *raftState) Unmarshal(r io.Reader) error {
	ctx := context.Background()
	fresh, err := s.read(ctx, r)
	if err != nil {
		return err
	}
	after, err := entries(ctx, fresh, s.namespace)
	if err != nil {
		return err
	}
	before, err := entries(ctx, s.store, s.namespace)
	if err != nil {
		return err
	}
	for key := range before {
		if _, stays := after[key]; stays {
			continue
		}
		if err := s.store.Delete(ctx, key); err != nil {
			return err
		}
	}
	for key, value := range after {
		if old, there := before[key]; there && bytes.Equal(old, value) {
			continue
		}
		if err := s.store.Put(ctx, key, value); err != nil {
			return err
		}
	}
	return nil
}

// read returns a store with what a snapshot has. The library takes one that is
// cut off for a whole one, so its size is compared.
func (s *raftState) read(ctx context.Context, r io.Reader) (datastore.Datastore, error) {
	fresh := inmem.New()
	copied, err := dsstate.New(ctx, fresh, s.namespace.String(), dsstate.DefaultHandle())
	if err != nil {
		return nil, err
	}
	var was, is counter
	if err := copied.Unmarshal(io.TeeReader(r, &was)); err != nil {
		return nil, err
	}
	if err := copied.Marshal(&is); err != nil {
		return nil, err
	}
	if was != is {
		return nil, fmt.Errorf("a snapshot of %d bytes has only %d of pins", was, is)
	}
	return fresh, nil
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// entries returns what a store has below a key.
func entries(ctx context.Context, store datastore.Datastore, below datastore.Key) (map[datastore.Key][]byte, error) {
	results, err := store.Query(ctx, query.Query{Prefix: below.String()})
	if err != nil {
		return nil, err
	}
	defer results.Close()
	all := make(map[datastore.Key][]byte)
	for r := range results.Next() {
		if r.Error != nil {
			return nil, r.Error
		}
		all[datastore.NewKey(r.Key)] = r.Value
	}
	return all, nil
}

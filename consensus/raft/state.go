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

// raftState is the state to which the log is applied. The library serialises its changes
// by a mutex.
type raftState struct {
	*dsstate.State

	store     datastore.Datastore // of State
	namespace datastore.Key       // of State in store
	op        *raft.LogOp         // the library decodes every log entry into it
}

// Add implements state.State. It clears the decoded entry, whose fields would otherwise
// remain where the next entry has none.
func (s *raftState) Add(ctx context.Context, pin api.Pin) error {
	s.op.Cid = api.Pin{}
	return s.State.Add(ctx, pin)
}

// Rm implements state.State and clears the decoded entry, as Add does.
func (s *raftState) Rm(ctx context.Context, c api.Cid) error {
	s.op.Cid = api.Pin{}
	return s.State.Rm(ctx, c)
}

// Unmarshal replaces the state by a snapshot; the library's only adds the snapshot's pins.
// It writes differences only, so that a concurrent reader never misses a pin that is in
// both. A snapshot that cannot be read changes nothing.
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

// read decodes a snapshot into a datastore in memory. The library accepts a truncated
// snapshot, so the sizes are compared.
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

// counter is a writer that counts bytes.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// entries returns all keys of a datastore below a key, with their values.
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

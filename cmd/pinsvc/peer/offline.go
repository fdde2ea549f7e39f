package peer

import (
	"context"
	"errors"

	ipfslite "github.com/hsanjuan/ipfs-lite"
	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs-cluster/ipfs-cluster/state/dsstate"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/namespace"
	dscrdt "github.com/ipfs/go-ds-crdt"
	logging "github.com/ipfs/go-log/v2"
)

// openState opens the pinset without a network. Call done when finished with
// it; what was added is kept only after Commit (CRDT) or a snapshot (Raft).
func (s *Settings) openState() (st state.State, done func() error, err error) {
	store, err := s.openStore()
	if err != nil {
		return nil, nil, err
	}
	if s.has(config.Consensus, "raft") {
		st, err = raft.OfflineState(s.Raft, store)
		done = store.Close
	} else {
		st, done, err = s.openCRDT(store)
	}
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return st, done, nil
}

// openCRDT is crdt.OfflineState with an end: the library's never stops the
// workers of the state, which then find the datastore closed under them, and
// it begins a repair that needs other peers.
func (s *Settings) openCRDT(store datastore.Datastore) (state.State, func() error, error) {
	set, done, err := s.openSet(store)
	if err != nil {
		return nil, nil, err
	}
	st, err := dsstate.NewBatching(context.Background(), set, "", dsstate.DefaultHandle())
	if err != nil {
		return nil, nil, errors.Join(err, set.Close())
	}
	return st, done, nil
}

// openSet opens the replicated set that a CRDT pinset is kept in. done also
// closes the store.
func (s *Settings) openSet(store datastore.Datastore) (set *dscrdt.Datastore, done func() error, err error) {
	batching, ok := store.(datastore.Batching)
	if !ok {
		return nil, nil, errors.New("the datastore cannot batch")
	}
	ctx, cancel := context.WithCancel(context.Background())
	key := datastore.NewKey(s.Crdt.DatastoreNamespace)
	blocks := namespace.Wrap(batching, key.ChildString(crdt.BlocksNs))
	dag, err := ipfslite.New(ctx, blocks, nil, nil, nil, &ipfslite.Config{Offline: true})
	if err != nil {
		cancel()
		return nil, nil, err
	}
	opts := dscrdt.DefaultOptions()
	opts.Logger = logging.Logger("crdt")
	opts.RepairInterval = 0
	set, err = dscrdt.New(batching, key, dag, nil, opts)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	return set, func() error {
		defer cancel()
		return errors.Join(set.Close(), store.Close())
	}, nil
}

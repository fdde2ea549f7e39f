package folder

import (
	"context"
	"errors"

	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs-cluster/ipfs-cluster/state/dsstate"
	"github.com/ipfs/go-datastore"
	dscrdt "github.com/ipfs/go-ds-crdt"

	"github.com/ipfs-cluster/pinsvc/consensus/crdt"
)

// OpenState opens the pinset without a network. Call done when finished with
// it; what was added is kept only after Commit (CRDT) or a snapshot (Raft).
func (s *Store) OpenState() (st state.State, done func() error, err error) {
	store, err := s.Open()
	if err != nil {
		return nil, nil, err
	}
	if s.Has(config.Consensus, "raft") {
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
func (s *Store) openCRDT(store datastore.Datastore) (state.State, func() error, error) {
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
func (s *Store) openSet(store datastore.Datastore) (set *dscrdt.Datastore, done func() error, err error) {
	ns := datastore.NewKey(s.Crdt.DatastoreNamespace)
	if set, done, err = crdt.OpenOffline(store, ns); err != nil {
		return nil, nil, err
	}
	// The peer's next start trusts the DAG as far as it could without this use.
	if _, _, err := crdt.LastWalk(context.Background(), store, ns, s.generation); err != nil {
		return nil, nil, errors.Join(err, set.Close())
	}
	return set, done, nil
}

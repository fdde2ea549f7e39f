package crdt

import (
	"context"
	"errors"

	"github.com/ipfs/go-datastore"
	dscrdt "github.com/ipfs/go-ds-crdt"
)

// OpenOffline opens the replicated set of a peer that does not run, without a
// network and without repairs. The function that it returns stops everything
// that uses the datastore, and closes it. On an error the datastore stays open.
func OpenOffline(store datastore.Datastore, ns datastore.Key) (set *dscrdt.Datastore, done func() error, err error) {
	batching, ok := store.(datastore.Batching)
	if !ok {
		return nil, nil, errNoBatch
	}
	ctx, cancel := context.WithCancel(context.Background())
	dag, guard, err := openDAG(ctx, batching, ns, peerNetwork{})
	if err != nil {
		cancel()
		return nil, nil, err
	}
	opts := dscrdt.DefaultOptions()
	opts.Logger = logger
	// Only for reading: a repair needs other peers, and would write.
	opts.RepairInterval = 0 // a repair needs other peers
	if set, err = dscrdt.New(batching, ns, dag, nil, opts); err != nil {
		cancel()
		guard.close()
		return nil, nil, err
	}
	return set, func() error {
		err := set.Close()
		cancel()
		guard.close()
		return errors.Join(err, store.Close())
	}, nil
}

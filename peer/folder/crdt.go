package folder

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	dscrdt "github.com/ipfs/go-ds-crdt"

	"github.com/ipfs-cluster/pinsvc/consensus/crdt"
)

// errNotCRDT is returned for a folder that has another consensus.
var errNotCRDT = errors.New("the peer's consensus is not crdt")

// CRDTInfo describes the Merkle-DAG that a CRDT pinset is stored as.
type CRDTInfo struct {
	Heads     []cid.Cid // the newest nodes
	MaxHeight uint64    // of the heads
	Dirty     bool      // the next start walks all of it and repairs it

	// Walk is the result of the last walk over the whole DAG: the zero Report when
	// there was none.
	Walk crdt.Report
	// Unchecked says that the next start walks the DAG, because it is dirty, was
	// not walked, had holes, or was used by another program since.
	Unchecked bool
}

// InspectCRDT describes the pinset of a stopped peer.
func InspectCRDT(ctx context.Context, folder string) (info CRDTInfo, err error) {
	err = offlineCRDT(folder, func(s *Store, set *dscrdt.Datastore, store datastore.Datastore) error {
		stats := set.InternalStats(ctx)
		info = CRDTInfo{Heads: stats.Heads, MaxHeight: stats.MaxHeight, Dirty: set.IsDirty(ctx)}
		now := crdt.Generation{Before: s.generation.Now, Now: s.generation.Now}
		info.Walk, info.Unchecked, err = crdt.LastWalk(ctx, store, datastore.NewKey(s.Crdt.DatastoreNamespace), now)
		return err
	})
	return info, err
}

// DrawCRDT writes the DAG of a stopped peer to w in the DOT language.
func DrawCRDT(ctx context.Context, folder string, w io.Writer) error {
	return offlineCRDT(folder, func(_ *Store, set *dscrdt.Datastore, _ datastore.Datastore) error {
		buffered := bufio.NewWriter(w)
		return errors.Join(set.DotDAG(ctx, buffered), buffered.Flush())
	})
}

// MarkCRDT says whether the next start of a stopped peer repairs its pinset.
func MarkCRDT(ctx context.Context, folder string, dirty bool) error {
	return offlineCRDT(folder, func(_ *Store, set *dscrdt.Datastore, store datastore.Datastore) error {
		if dirty {
			set.MarkDirty(ctx)
		} else {
			set.MarkClean(ctx)
		}
		if set.IsDirty(ctx) != dirty { // neither call tells
			return errors.New("the datastore did not keep the mark")
		}
		return store.Sync(ctx, datastore.NewKey("/"))
	})
}

// offlineCRDT runs f on the set of a stopped peer and the store that it is in.
func offlineCRDT(folder string, f func(*Store, *dscrdt.Datastore, datastore.Datastore) error) error {
	return Offline(folder, func(s *Store) error {
		if !s.Has(config.Consensus, "crdt") {
			return errNotCRDT
		}
		store, err := s.Open()
		if err != nil {
			return err
		}
		set, done, err := s.openSet(store)
		if err != nil {
			return errors.Join(err, store.Close())
		}
		return errors.Join(f(s, set, store), done())
	})
}

package peer

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	dscrdt "github.com/ipfs/go-ds-crdt"
)

// errNotCRDT is returned for a folder that has another consensus.
var errNotCRDT = errors.New("the peer's consensus is not crdt")

// CRDTInfo describes the Merkle-DAG that a CRDT pinset is stored as.
type CRDTInfo struct {
	Heads     []cid.Cid // the newest nodes
	MaxHeight uint64    // of the heads
	Dirty     bool      // the next start walks all of it and repairs it
}

// InspectCRDT describes the pinset of a stopped peer.
func InspectCRDT(ctx context.Context, folder string) (info CRDTInfo, err error) {
	err = offlineCRDT(folder, func(set *dscrdt.Datastore, _ datastore.Datastore) error {
		stats := set.InternalStats(ctx)
		info = CRDTInfo{Heads: stats.Heads, MaxHeight: stats.MaxHeight, Dirty: set.IsDirty(ctx)}
		return nil
	})
	return info, err
}

// DrawCRDT writes the DAG of a stopped peer to w in the DOT language.
func DrawCRDT(ctx context.Context, folder string, w io.Writer) error {
	return offlineCRDT(folder, func(set *dscrdt.Datastore, _ datastore.Datastore) error {
		buffered := bufio.NewWriter(w)
		return errors.Join(set.DotDAG(ctx, buffered), buffered.Flush())
	})
}

// MarkCRDT says whether the next start of a stopped peer repairs its pinset.
func MarkCRDT(ctx context.Context, folder string, dirty bool) error {
	return offlineCRDT(folder, func(set *dscrdt.Datastore, store datastore.Datastore) error {
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
func offlineCRDT(folder string, f func(*dscrdt.Datastore, datastore.Datastore) error) error {
	return offline(folder, func(s *Settings) error {
		if !s.has(config.Consensus, "crdt") {
			return errNotCRDT
		}
		store, err := s.openStore()
		if err != nil {
			return err
		}
		set, done, err := s.openSet(store)
		if err != nil {
			return errors.Join(err, store.Close())
		}
		return errors.Join(f(set, store), done())
	})
}

package crdt

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/ipfs/go-datastore"
)

// walkKey has the result of the last walk, below ownKey.
const walkKey = "walk"

// Generation names openings of the datastore, so that a peer knows whether only
// programs that keep a journal have written to it. An empty name is unknown.
type Generation struct {
	Before string // the last opening before this process
	Now    string // that of this process
}

// Report is the result of a walk over the whole DAG of a pinset.
type Report struct {
	Ended    time.Time // UTC
	Reason   string    // why it was walked
	Nodes    int       // that were found
	Fetched  int       // nodes that were missing here and came from other peers
	Missing  int       // nodes that no connected peer has sent either
	Examples []string  // CIDs of missing nodes, at most maxExamples
	Applied  int       // nodes whose changes were not in the state, and now are
	Adopted  int       // nodes whose changes other peers could not get, and now can
	Failure  string    // why the walk did not end, or nothing
}

// maxExamples bounds the missing nodes that a report names.
const maxExamples = 10

// Whole reports whether all nodes are here and applied.
func (r Report) Whole() bool { return r.Missing == 0 && r.Failure == "" }

// record is what the datastore has of the last walk.
type record struct {
	// Generation is the last opening of the datastore by a program that keeps
	// the journal, when the DAG was whole.
	Generation string
	Report     Report
}

// recordKey returns the key of the record. It is below the namespace, so that a clean-up of
// the pinset removes it.
func recordKey(ns datastore.Key) datastore.Key {
	return ns.ChildString(ownKey).ChildString(walkKey)
}

// loadRecord reads the record of the last walk, an empty one if there was none.
func loadRecord(ctx context.Context, store datastore.Read, ns datastore.Key) (rec record, err error) {
	raw, err := store.Get(ctx, recordKey(ns))
	if errors.Is(err, datastore.ErrNotFound) {
		return rec, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &rec)
	}
	return rec, err
}

// save replaces the record of the last walk.
func (rec record) save(ctx context.Context, store datastore.Write, ns datastore.Key) error {
	raw, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	return store.Put(ctx, recordKey(ns), raw)
}

// trusted reports whether nobody else has opened the datastore since the DAG was
// whole.
func (rec record) trusted(g Generation) bool {
	return rec.Generation != "" && rec.Generation == g.Before && rec.Report.Whole()
}

// LastWalk returns the result of the last walk of a peer that does not run, the
// zero Report when there was none, and whether its next start walks the DAG. It
// is for a program that has opened the datastore and leaves the DAG as it is: the
// next start trusts it as far as this one could.
func LastWalk(ctx context.Context, store datastore.Datastore, ns datastore.Key, g Generation) (last Report, due bool, err error) {
	rec, err := loadRecord(ctx, store, ns)
	if err != nil || !rec.trusted(g) {
		return rec.Report, true, err
	}
	// The caller's opening of the datastore is one more that the next start must know of.
	rec.Generation = g.Now
	dirty, err := store.Has(ctx, ns.ChildString(dirtyKey))
	return rec.Report, dirty, errors.Join(err, rec.save(ctx, store, ns))
}

package folder

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs-cluster/ipfs-cluster/pstoremgr"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs/go-datastore"

	"github.com/ipfs-cluster/pinsvc/consensus/crdt"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
	"github.com/ipfs-cluster/pinsvc/pinset/exported"
)

// ExportState writes the pinset of a stopped peer to w: one JSON object per
// pin and line, in the library's encoding, in no particular order. On Raft it
// is the pinset of the last snapshot, which a clean stop always makes.
func ExportState(ctx context.Context, folder string, w io.Writer) error {
	return Offline(folder, func(s *Store) error {
		st, done, err := s.OpenState()
		if err != nil {
			return err
		}
		buffered := bufio.NewWriter(w)
		return errors.Join(exportPins(ctx, st, buffered), buffered.Flush(), done())
	})
}

func exportPins(ctx context.Context, st state.ReadOnly, w io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pins := make(chan api.Pin, 1024)
	listed := make(chan error, 1)
	go func() { listed <- st.List(ctx, pins) }()

	enc := json.NewEncoder(w)
	var failed error
	for pin := range pins { // to the end: List blocks on a channel that nobody reads
		if failed == nil {
			if failed = enc.Encode(pin); failed != nil {
				cancel()
			}
		}
	}
	if failed != nil {
		return failed
	}
	return <-listed
}

// ImportState replaces the pinset of a stopped peer by the one that r holds in
// the format of ExportState, plain or compressed with gzip, and returns the
// number of pins. Of several pins with one CID the last one counts. With an
// error, when ctx ends, and after a kill at any moment the peer has the whole
// old pinset or the whole new one.
func ImportState(ctx context.Context, folder string, r io.Reader, o ImportOptions) (int, error) {
	var count int
	err := Offline(folder, func(s *Store) error {
		text, err := uncompressed(r)
		if err != nil {
			return unchanged(err)
		}
		return s.replaceState(ctx, &exported.Pins{Text: text, Change: o.change, Progress: func(pins int) {
			count = pins
			o.report(pins)
		}})
	})
	return count, err
}

// uncompressed returns what r has, which may be compressed with gzip.
func uncompressed(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	if start, _ := buffered.Peek(2); string(start) != "\x1f\x8b" {
		return buffered, nil
	}
	return gzip.NewReader(buffered)
}

// makeRaft writes a pinset into an empty folder as the snapshot that the next
// start begins with. Its list of Raft peers is that of the peerstore and this
// peer.
func (s *Store) makeRaft(ctx context.Context, folder string, pins *exported.Pins) error {
	id, err := LoadIdentity(s.Folder())
	if err != nil {
		return err
	}
	cfg := *s.Raft
	cfg.DataFolder = folder
	store := inmem.New()
	st, err := raft.OfflineState(&cfg, store)
	if err != nil {
		return err
	}
	ns := datastore.NewKey(cfg.DatastoreNamespace)
	err = exported.Each(ctx, pins, crdt.NewRecord, func(all []crdt.Record) error {
		for _, r := range all {
			if err := store.Put(ctx, ns.Child(r.Key), r.Value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	known := pstoremgr.New(context.Background(), nil, s.Cluster.GetPeerstorePath()).LoadPeerstore()
	peers := append(ipfscluster.PeersFromMultiaddrs(known), id.ID)
	return raft.SnapshotSave(&cfg, st, peers)
}

// CleanState removes the pinset of a stopped peer and all that its consensus
// has stored, at once. Raft keeps backups of it in the folder.
func CleanState(ctx context.Context, folder string) error {
	return Offline(folder, func(s *Store) error {
		if err := s.replaceState(ctx, nil); err != nil {
			return err
		}
		// The peers of its last cluster are not down: they are none of its own.
		return settings.ExplainFile((&KnownPeers{}).Write(s.Folder()))
	})
}

// Offline runs f on the folder's settings while no peer uses the folder.
func Offline(folder string, f func(*Store) error) error {
	if err := settings.Require(folder); err != nil {
		return err
	}
	l, err := Lock(folder)
	if err != nil {
		return err
	}
	defer l.Close()
	loaded, err := settings.Load(folder, true)
	if err != nil {
		return err
	}
	defer loaded.Close()
	s := NewStore(loaded)
	if _, err := s.Consensus(); err != nil {
		return err
	}
	if err := s.Settle(context.Background()); err != nil {
		return err
	}
	return f(s)
}

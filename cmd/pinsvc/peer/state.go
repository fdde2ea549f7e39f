package peer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/ipfs-cluster/ipfs-cluster/pstoremgr"
	"github.com/ipfs-cluster/ipfs-cluster/state"
)

// ExportState writes the pinset of a stopped peer to w: one JSON object per
// pin and line, in the library's encoding, in no particular order. On Raft it
// is the pinset of the last snapshot, which a clean stop always makes.
func ExportState(ctx context.Context, folder string, w io.Writer) error {
	return offline(folder, func(s *Settings) error {
		st, done, err := s.openState()
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
// the format of ExportState, and returns the number of pins. The whole of r is
// read and checked first: a file that cannot be read, or does not go together
// with the options, changes nothing.
func ImportState(ctx context.Context, folder string, r io.Reader, o ImportOptions) (int, error) {
	var count int
	err := offline(folder, func(s *Settings) error {
		spool, err := spoolPins(folder, r, o)
		if err != nil {
			return err
		}
		defer spool.remove()
		count = spool.count
		if err := s.cleanState(ctx); err != nil {
			return err
		}
		return s.importPins(ctx, spool.file, o)
	})
	return count, err
}

func (s *Settings) importPins(ctx context.Context, r io.Reader, o ImportOptions) error {
	st, done, err := s.openState()
	if err != nil {
		return err
	}
	err = eachPin(r, func(pin api.Pin) error { return st.Add(ctx, o.apply(pin)) })
	if err != nil {
		return errors.Join(fmt.Errorf("importing: %w", err), done())
	}
	if batching, ok := st.(state.BatchingState); ok {
		return errors.Join(batching.Commit(ctx), done())
	}
	return errors.Join(s.saveSnapshot(st), done())
}

// saveSnapshot writes a Raft state that is in memory as the snapshot that the
// next start begins with. A peer that never ran has no list of Raft peers yet:
// it gets those of the peerstore, and itself.
func (s *Settings) saveSnapshot(st state.State) error {
	id, err := LoadIdentity(s.folder)
	if err != nil {
		return err
	}
	known := pstoremgr.New(context.Background(), nil, s.Cluster.GetPeerstorePath()).LoadPeerstore()
	peers := append(ipfscluster.PeersFromMultiaddrs(known), id.ID)
	return raft.SnapshotSave(s.Raft, st, peers)
}

// CleanState removes the pinset of a stopped peer and all that its consensus
// has stored. Raft keeps backups of it in the folder.
func CleanState(ctx context.Context, folder string) error {
	return offline(folder, func(s *Settings) error { return s.cleanState(ctx) })
}

func (s *Settings) cleanState(ctx context.Context) error {
	if s.has(config.Consensus, "raft") {
		return raft.CleanupRaft(s.Raft)
	}
	store, err := s.openStore()
	if err != nil {
		return err
	}
	return errors.Join(crdt.Clean(ctx, s.Crdt, store), store.Close())
}

// offline runs f on the folder's settings while no peer uses the folder.
func offline(folder string, f func(*Settings) error) error {
	if err := requireFolder(folder); err != nil {
		return err
	}
	l, err := lock(folder)
	if err != nil {
		return err
	}
	defer l.Close()
	s, err := LoadSettings(folder, true)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Consensus(); err != nil {
		return err
	}
	return f(s)
}

// spooled is an import that has been read to its end and can be read again.
type spooled struct {
	file  *os.File
	count int
}

func (s *spooled) remove() {
	s.file.Close()
	os.Remove(s.file.Name())
}

func spoolPins(folder string, r io.Reader, o ImportOptions) (*spooled, error) {
	file, err := os.CreateTemp(folder, "import-*.json")
	if err != nil {
		return nil, err
	}
	s := &spooled{file: file}
	err = eachPin(io.TeeReader(r, file), func(pin api.Pin) error {
		if !pin.Cid.Defined() {
			return errors.New("has no cid")
		}
		s.count++
		return o.check(o.apply(pin))
	})
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		s.remove()
		return nil, fmt.Errorf("nothing was changed: %w", err)
	}
	return s, nil
}

// eachPin calls f for every pin of an export, and stops at the first error.
func eachPin(r io.Reader, f func(api.Pin) error) error {
	dec := json.NewDecoder(bufio.NewReader(r))
	for n := 1; ; n++ {
		var pin api.Pin
		err := dec.Decode(&pin)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(pin)
		}
		if err != nil {
			return fmt.Errorf("pin %d: %w", n, err)
		}
	}
}

package peer

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
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
// the format of ExportState, plain or compressed with gzip, and returns the
// number of pins. With an error, when ctx ends, and after a kill at any moment
// the peer has the whole old pinset or the whole new one.
func ImportState(ctx context.Context, folder string, r io.Reader, o ImportOptions) (int, error) {
	var count int
	err := offline(folder, func(s *Settings) error {
		return s.replaceState(ctx, func(add func(api.Pin) error) error {
			text, err := uncompressed(r)
			if err != nil {
				return err
			}
			err = eachPin(text, func(pin api.Pin) error {
				if !pin.Cid.Defined() {
					return errors.New("has no cid")
				}
				pin = o.apply(pin)
				if err := errors.Join(context.Cause(ctx), o.check(pin)); err != nil {
					return err
				}
				count++
				o.report(count)
				return add(pin)
			})
			if err == nil && count == 0 {
				err = errNoPins
			}
			return err
		})
	})
	return count, err
}

// errNoPins is returned for an import without any: more often it is the output
// of a command that failed than an empty pinset.
var errNoPins = errors.New("there are no pins to import ('pinsvc state cleanup' removes the pinset)")

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
func (s *Settings) makeRaft(folder string, pins source) error {
	id, err := LoadIdentity(s.folder)
	if err != nil {
		return err
	}
	cfg := *s.Raft
	cfg.DataFolder = folder
	st, err := raft.OfflineState(&cfg, inmem.New())
	if err != nil {
		return err
	}
	if err := pins(func(pin api.Pin) error { return st.Add(context.Background(), pin) }); err != nil {
		return err
	}
	known := pstoremgr.New(context.Background(), nil, s.Cluster.GetPeerstorePath()).LoadPeerstore()
	peers := append(ipfscluster.PeersFromMultiaddrs(known), id.ID)
	return raft.SnapshotSave(&cfg, st, peers)
}

// CleanState removes the pinset of a stopped peer and all that its consensus
// has stored, at once. Raft keeps backups of it in the folder.
func CleanState(ctx context.Context, folder string) error {
	return offline(folder, func(s *Settings) error {
		if err := s.replaceState(ctx, nil); err != nil {
			return err
		}
		// The peers of its last cluster are not down: they are none of its own.
		return file((&KnownPeers{}).write(s.folder))
	})
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
	if err := s.settle(context.Background()); err != nil {
		return err
	}
	return f(s)
}

// eachPin calls f for every pin of an export, and stops at the first error.
func eachPin(r io.Reader, f func(api.Pin) error) error {
	dec := json.NewDecoder(r)
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

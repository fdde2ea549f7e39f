package folder

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"

	"github.com/ipfs-cluster/pinsvc/internal/atomicfile"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
	"github.com/ipfs-cluster/pinsvc/pinset/exported"
)

// unfinishedFile has the pinset that is being written over the old one, as an
// export. While it is there, the datastore is incomplete.
const unfinishedFile = "pinset.unfinished"

func (s *Store) unfinished() string { return filepath.Join(s.Folder(), unfinishedFile) }

// replaceInPlace replaces the pinset in a folder that cannot be exchanged. All
// of the new pinset is on disk, in unfinishedFile, before the old one goes, and
// settle begins again with that after an interruption.
func (s *Store) replaceInPlace(ctx context.Context, pins *exported.Pins) error {
	err := atomicfile.Write(s.unfinished(), func(f *os.File) error {
		if pins == nil {
			return nil
		}
		out := bufio.NewWriter(f)
		return errors.Join(exported.Each(ctx, pins, exportLine, func(lines [][]byte) error {
			for _, line := range lines {
				if _, err := out.Write(line); err != nil {
					return err
				}
			}
			return nil
		}), out.Flush())
	})
	if err != nil {
		return unchanged(err)
	}
	return s.finish(ctx)
}

// exportLine returns a pin as ExportState writes it.
func exportLine(pin api.Pin) ([]byte, error) {
	line, err := json.Marshal(pin)
	return append(line, '\n'), err
}

// finish brings the pinset of unfinishedFile into the datastore, from the
// beginning.
func (s *Store) finish(ctx context.Context) error {
	f, err := os.Open(s.unfinished())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return settings.ExplainFile(err)
	}
	defer f.Close()
	var pins *exported.Pins
	if info, err := f.Stat(); err != nil || info.Size() > 0 {
		pins = &exported.Pins{Text: f}
	}
	err = s.withRoom(s.stateFolder(), func() error { return s.overwrite(ctx, pins) })
	if err != nil {
		return fmt.Errorf("writing the pinset of %s, which the next start or 'pinsvc state import' begins again: %w", s.unfinished(), settings.ExplainFile(err))
	}
	if err := os.Remove(s.unfinished()); err != nil {
		return settings.ExplainFile(err)
	}
	return atomicfile.Sync(s.Folder())
}

// MarkedCleanup runs the cleanup of a running peer. settle completes one that was
// interrupted.
func (s *Store) MarkedCleanup(clean func() error) error {
	if err := atomicfile.WriteBytes(s.unfinished(), nil); err != nil {
		return settings.ExplainFile(err)
	}
	if err := clean(); err != nil {
		return err
	}
	return os.Remove(s.unfinished())
}

func (s *Store) overwrite(ctx context.Context, pins *exported.Pins) error {
	if s.Has(config.Consensus, "raft") {
		if err := empty(s.Raft.GetDataFolder()); err != nil || pins == nil {
			return err
		}
		if err := s.makeRaft(ctx, s.Raft.GetDataFolder(), pins); err != nil {
			return err
		}
		return atomicfile.SyncTree(s.Raft.GetDataFolder())
	}
	store, err := s.openFor(filling)
	if err != nil {
		return err
	}
	if err := crdt.Clean(ctx, s.Crdt, store); err != nil {
		return errors.Join(err, store.Close())
	}
	return s.addPins(ctx, store, pins)
}

// stateFolder is where the consensus keeps its data.
func (s *Store) stateFolder() string {
	if s.Has(config.Consensus, "raft") {
		return s.Raft.GetDataFolder()
	}
	if b, err := s.backend(); err == nil {
		return b.folder()
	}
	return s.Folder()
}

// empty removes what is in a folder.
func empty(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(folder, entry.Name())))
	}
	return err
}

// Settle completes what an interrupted import or cleanup has left. It runs
// after every locking of the folder, before the state is used.
func (s *Store) Settle(ctx context.Context) error {
	swap, err := s.stateSwap()
	if err != nil {
		return err
	}
	if err := swap.settle(); err != nil {
		return fmt.Errorf("completing an interrupted import: %w", settings.ExplainFile(err))
	}
	if err := s.removeSpools(); err != nil {
		return settings.ExplainFile(err)
	}
	return s.finish(ctx)
}

// removeSpools removes the files of imports that ended before their pinset was
// complete. import-*.json is the name that earlier builds gave them.
func (s *Store) removeSpools() error {
	entries, err := os.ReadDir(s.Folder())
	for _, entry := range entries {
		name := entry.Name()
		spool, _ := filepath.Match("import-*.json", name)
		if spool || strings.HasPrefix(name, unfinishedFile+".") {
			err = errors.Join(err, os.Remove(filepath.Join(s.Folder(), name)))
		}
	}
	return err
}

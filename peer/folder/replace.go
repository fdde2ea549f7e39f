package folder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	pebbleds "github.com/ipfs/go-ds-pebble"

	"github.com/ipfs-cluster/pinsvc/consensus/crdt"
	"github.com/ipfs-cluster/pinsvc/embedded/disk"
	"github.com/ipfs-cluster/pinsvc/internal/atomicfile"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
	"github.com/ipfs-cluster/pinsvc/pinset/exported"
)

// replaceState replaces all that the consensus has stored by the given pinset; nil
// is one without pins.
// The new one is written beside the old one and takes its place when it is
// complete: with an error, or after a kill at any moment, the next start has
// the whole old or the whole new pinset.
func (s *Store) replaceState(ctx context.Context, pins *exported.Pins) error {
	swap, err := s.stateSwap()
	if err != nil {
		return err
	}
	if s.holdsFolder(swap.place) {
		return s.replaceInPlace(ctx, pins)
	}
	switch err := swap.begin(); {
	case errors.Is(err, errNoSwap):
		return s.replaceInPlace(ctx, pins)
	case err != nil:
		return unchanged(errors.Join(err, swap.discard()))
	}
	err = s.withRoom(swap.fresh(), func() error { return s.makeState(ctx, swap.fresh(), pins) })
	if err == nil {
		err = context.Cause(ctx) // what ends after this moment is too late
	}
	if err != nil {
		return unchanged(errors.Join(err, swap.discard()))
	}
	if err := swap.commit(); err != nil {
		return fmt.Errorf("replacing %s: %w", swap.place, settings.ExplainFile(err))
	}
	return nil
}

// Clear removes the pinset and all that the consensus has stored.
func (s *Store) Clear(ctx context.Context) error { return s.replaceState(ctx, nil) }

// unchanged says that an error left everything as it was.
func unchanged(err error) error {
	return fmt.Errorf("nothing was changed: %w", settings.ExplainFile(err))
}

// stateSwap is the swap of the folder that the consensus keeps its data in.
func (s *Store) stateSwap() (*swap, error) {
	if s.Has(config.Consensus, "raft") {
		place := newSwap(s.Raft.GetDataFolder(), nil)
		place.keep = func(old string) error { return rotate(place.place, old, s.Raft.BackupsRotate) }
		return place, nil
	}
	b, err := s.backend()
	if err != nil {
		return nil, err
	}
	return newSwap(b.folder(), nil), nil
}

// holdsFolder reports whether the peer's own folder is in the given one.
func (s *Store) holdsFolder(place string) bool {
	folder, err := filepath.EvalSymlinks(s.Folder())
	if err != nil {
		return true
	}
	down, err := filepath.Rel(place, folder)
	return err == nil && down != ".." && !strings.HasPrefix(down, ".."+string(filepath.Separator))
}

// makeState writes a pinset into an empty folder.
func (s *Store) makeState(ctx context.Context, folder string, pins *exported.Pins) error {
	if s.Has(config.Consensus, "raft") {
		if pins == nil {
			return nil
		}
		return s.makeRaft(ctx, folder, pins)
	}
	b, err := s.backend()
	if err != nil {
		return err
	}
	store, err := b.open(folder, filling)
	if err != nil {
		return fmt.Errorf("opening a new datastore.%s: %w", b.key, err)
	}
	if err := s.copyOthers(ctx, b, store); err != nil {
		return errors.Join(err, store.Close())
	}
	return s.addPins(ctx, store, pins)
}

// addPins fills the CRDT in a store that has none and closes the store.
func (s *Store) addPins(ctx context.Context, store datastore.Datastore, pins *exported.Pins) error {
	var err error
	if pins != nil {
		err = s.fill(ctx, store, pins)
	}
	if err == nil {
		err = store.Sync(ctx, datastore.NewKey("/"))
	}
	if p, ok := store.(*pebbleds.Datastore); ok && err == nil { // it has no log, and Close tells no error
		err = p.DB.Flush()
	}
	return errors.Join(err, store.Close())
}

func (s *Store) fill(ctx context.Context, store datastore.Datastore, pins *exported.Pins) error {
	batching, ok := store.(datastore.Batching)
	if !ok {
		return fmt.Errorf("a %T cannot batch", store)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	fill := crdt.NewFill(ctx, batching, datastore.NewKey(s.Crdt.DatastoreNamespace))
	err := exported.Each(ctx, pins, crdt.NewRecord, fill.Add)
	if err != nil {
		cancel(err)
	}
	if ended := fill.End(); err == nil {
		err = ended
	}
	return err
}

// copyOthers copies to a new datastore what is not the consensus' in the present
// one: the records of the DHT.
func (s *Store) copyOthers(ctx context.Context, b backend, to datastore.Datastore) error {
	if !atomicfile.Exists(b.folder()) {
		return nil
	}
	from, err := s.Open()
	if err != nil {
		return err
	}
	results, err := from.Query(ctx, query.Query{KeysOnly: true})
	if err != nil {
		return errors.Join(err, from.Close())
	}
	own := datastore.NewKey(s.Crdt.DatastoreNamespace)
	for r := range results.Next() {
		key := datastore.NewKey(r.Key)
		if err = r.Error; err != nil {
			break
		}
		if key == own || own.IsAncestorOf(key) {
			continue
		}
		value, gone := from.Get(ctx, key)
		if err = gone; err == nil {
			err = to.Put(ctx, key, value)
		}
		if err != nil {
			break
		}
	}
	return errors.Join(err, results.Close(), from.Close())
}

// roomInterval is how often the disk is read while a pinset is written.
const roomInterval = 100 * time.Millisecond

// withRoom runs f, which writes to a folder. It returns before f when the disk
// gets full, or pebble cannot go on: then f waits for ever, and the process
// should end soon.
func (s *Store) withRoom(folder string, f func() error) error {
	watch := disk.NewWatch(folder)
	if err := watch.Room(); err != nil {
		return err
	}
	s.stuck = make(chan error, 1)
	if s.Pebble != nil {
		s.Pebble.PebbleOptions.FS = watch.FS()
	}
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	poll := time.NewTicker(roomInterval)
	defer poll.Stop()
	for {
		select {
		case err := <-ended:
			s.stuck = nil
			return err
		case err := <-s.stuck:
			return err
		case <-poll.C:
			if err := watch.Room(); err != nil {
				return err
			}
		}
	}
}

// stuckLogger passes on why pebble gives up, where pebble's own would end the
// process.
type stuckLogger struct {
	pebble.Logger
	why chan<- error
}

// Fatalf must not return.
func (l stuckLogger) Fatalf(format string, args ...any) {
	select {
	case l.why <- fmt.Errorf(format, args...):
	default:
	}
	select {}
}

// Infof and Errorf leave the words to the error.
func (l stuckLogger) Infof(string, ...any)  {}
func (l stuckLogger) Errorf(string, ...any) {}

// rotate keeps the data folder that Raft no longer uses as its newest backup,
// place.old.0, and at most the given number of them, as the library does.
func rotate(place, old string, most int) error {
	name := func(i int) string { return fmt.Sprintf("%s.old.%d", place, i) }
	if !hasFiles(old) {
		return os.RemoveAll(old)
	}
	last := 0
	for last < most-1 && atomicfile.Exists(name(last)) {
		last++
	}
	if err := os.RemoveAll(name(last)); err != nil {
		return err
	}
	for i := last; i > 0; i-- {
		if err := os.Rename(name(i-1), name(i)); err != nil {
			return err
		}
	}
	return os.Rename(old, name(0))
}

// hasFiles reports whether there is a file in a folder, or below.
func hasFiles(folder string) bool {
	found := errors.New("found")
	err := filepath.WalkDir(folder, func(_ string, entry os.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return found
		}
		return nil
	})
	return errors.Is(err, found)
}

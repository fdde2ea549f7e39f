package folder

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/badger"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/badger3"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/leveldb"
	"github.com/ipfs/go-datastore"
	pebbleds "github.com/ipfs/go-ds-pebble"

	"github.com/ipfs-cluster/pinsvc/consensus/crdt"
	"github.com/ipfs-cluster/pinsvc/embedded/disk"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// Store is where the consensus of a peer whose folder is locked keeps its state.
type Store struct {
	*settings.Settings

	generation crdt.Generation // of the datastore, once it is open

	stuck chan error // gets why pebble cannot go on; nil: it then ends the process
}

// NewStore returns the store that the settings describe. Settle must be called
// before it is used.
func NewStore(s *settings.Settings) *Store { return &Store{Settings: s} }

// Generation tells whether another program has used the datastore.
func (s *Store) Generation() crdt.Generation { return s.generation }

// backend is one kind of datastore that a CRDT peer can keep its state in.
type backend struct {
	key    string
	folder func() string
	open   func(folder string, use storeUse) (datastore.Datastore, error)
}

// storeUse is what a datastore is opened for.
type storeUse int

const (
	serving storeUse = iota
	// filling needs no log: what was written counts only when the datastore is
	// closed, and is written from the beginning after an interruption.
	filling
)

func (s *Store) backends() []backend {
	return []backend{
		{"badger", s.Badger.GetFolder, func(folder string, _ storeUse) (datastore.Datastore, error) {
			cfg := *s.Badger
			cfg.Folder = folder
			return badger.New(&cfg)
		}},
		{"badger3", s.Badger3.GetFolder, func(folder string, _ storeUse) (datastore.Datastore, error) {
			cfg := *s.Badger3
			cfg.Folder = folder
			return badger3.New(&cfg)
		}},
		{"leveldb", s.LevelDB.GetFolder, func(folder string, _ storeUse) (datastore.Datastore, error) {
			cfg := *s.LevelDB
			cfg.Folder = folder
			return leveldb.New(&cfg)
		}},
		{"pebble", s.Pebble.GetFolder, s.openPebble},
	}
}

// openPebble is the library's pebble.New without its goroutine, which reads the
// size of the database every minute, also after it was closed.
func (s *Store) openPebble(folder string, use storeUse) (datastore.Datastore, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	options := s.Pebble.PebbleOptions
	if options.FormatMajorVersion < pebble.FormatNewest {
		logger.Infof("datastore.pebble.pebble_options.format_major_version is %d, and the newest is %d: "+
			"raise it, one by one if need be, with a restart after each", options.FormatMajorVersion, pebble.FormatNewest)
	}
	options.DisableWAL = options.DisableWAL || use == filling
	if s.stuck != nil {
		options.Logger = stuckLogger{pebble.DefaultLogger, s.stuck}
	}
	return pebbleds.NewDatastore(folder, pebbleds.WithPebbleOpts(&options))
}

// Open opens the datastore of the configured consensus. Raft replays its
// own log into memory at every start, so it has no store on disk.
func (s *Store) Open() (datastore.Datastore, error) { return s.openFor(serving) }

func (s *Store) openFor(use storeUse) (datastore.Datastore, error) {
	consensus, err := s.Consensus()
	if err != nil {
		return nil, err
	}
	if consensus == "raft" {
		return inmem.New(), nil
	}
	b, err := s.backend()
	if err != nil {
		return nil, err
	}
	before := generation(b)
	store, err := b.open(b.folder(), use)
	if err != nil {
		return nil, fmt.Errorf("opening datastore.%s in %s: %w", b.key, b.folder(), explainStore(err))
	}
	s.generation = crdt.Generation{Before: before, Now: generation(b)}
	return store, nil
}

// backend returns the one that the file has a section for.
func (s *Store) backend() (backend, error) {
	key, err := s.Datastore()
	if err != nil {
		return backend{}, err
	}
	for _, b := range s.backends() {
		if b.key == key {
			return b, nil
		}
	}
	return backend{}, fmt.Errorf("datastore.%s: unknown", key)
}

// ExplainOpen says what to do when there was no space to open it.
func ExplainOpen(err error) error {
	var full *disk.FullError
	if errors.As(err, &full) {
		return fmt.Errorf("opening the datastore: %w, and start again: it is not damaged", err)
	}
	return err
}

// explainStore says what to do about a datastore that does not open.
func explainStore(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: free some space on its disk and start again, it is not damaged", err)
	}
	if explained := settings.ExplainFile(err); explained != err {
		return explained
	}
	return fmt.Errorf("%w: if it is damaged, move its folder away and start again: "+
		"a cluster sends the pinset again, and 'pinsvc state import' reads an export", err)
}

// ExplainPinset says what to do about a pinset in the datastore that does not open.
func (s *Store) ExplainPinset(err error) error {
	var full *disk.FullError
	if errors.As(err, &full) {
		return fmt.Errorf("opening the pinset: %w, and start again: it is not damaged", err)
	}
	where := "datastore"
	if b, unknown := s.backend(); unknown == nil {
		where = fmt.Sprintf("datastore.%s in %s", b.key, b.folder())
	}
	return fmt.Errorf("opening the pinset from %s: %w", where, explainStore(err))
}

// WatchDisk returns what knows how much space the consensus has for its data,
// and makes a pebble that is opened later wait for space when there is none. The
// other datastores return errors.
func (s *Store) WatchDisk(consensus string) (*disk.Watch, error) {
	if consensus == "raft" {
		return disk.NewWatch(s.Raft.GetDataFolder()), nil
	}
	b, err := s.backend()
	if err != nil {
		return nil, err
	}
	w := disk.NewWatch(b.folder())
	if b.key == "pebble" {
		s.Pebble.PebbleOptions.FS = w.FS()
	}
	return w, nil
}

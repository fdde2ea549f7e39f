package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	flatfs "github.com/ipfs/go-ds-flatfs"
	pebbleds "github.com/ipfs/go-ds-pebble"
	logging "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/ipfs-cluster/pinsvc/embedded/disk"
)

// The memory that records take at most while nothing happens. They are small
// and few beside the blocks.
const (
	recordsCache    = 4 << 20
	recordsMemTable = 1 << 20
)

// Repo is the node's folder: blocks/ (flatfs), records/ (pebble) and the
// identity. One process at a time can open it.
type Repo struct {
	dir     string
	Disk    *disk.Watch
	Key     crypto.PrivKey
	blocks  *flatfs.Datastore
	Records *pebbleds.Datastore
}

// OpenRepo opens the folder and makes what is missing in it.
func OpenRepo(dir string) (*Repo, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	r := &Repo{dir: dir, Disk: disk.NewWatch(dir)}
	if err := r.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("folder of the IPFS node: %w", err), r.Close())
	}
	return r, nil
}

func (r *Repo) open() error {
	var err error
	// First, because pebble's lock keeps a second process away from the rest.
	if r.Records, err = disk.Open(r.Disk, r.openRecords); err != nil {
		return damagedPart(err, "if it is damaged, move the folder records away and start again: the peer pins anew what belongs to it, from the blocks that are here")
	}
	if r.Key, err = loadIdentity(filepath.Join(r.dir, "identity")); err != nil {
		return damagedPart(err, "restore the file identity from a backup, or move it away: the node then gets another identity")
	}
	// With sync, every block is on disk before its write returns.
	if r.blocks, err = flatfs.CreateOrOpen(r.BlocksDir(), layout(), true); err != nil {
		return damagedPart(err, fmt.Sprintf("the folder blocks needs its file SHARDING, with the line %s: write it and start again", layout()))
	}
	return nil
}

// layout is how flatfs spreads blocks over folders.
func layout() *flatfs.ShardIdV1 { return flatfs.NextToLast(2) }

// damagedPart adds a remedy to the error of a part of the node's folder that does not
// open, unless the reason is the disk or a permission.
func damagedPart(err error, remedy string) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w: %s", err, remedy)
}

func (r *Repo) openRecords() (*pebbleds.Datastore, error) {
	return pebbleds.NewDatastore(filepath.Join(r.dir, "records"),
		pebbleds.WithCacheSize(recordsCache),
		pebbleds.WithPebbleOpts(&pebble.Options{
			FS:           r.Disk.FS(),
			MemTableSize: recordsMemTable,
			Logger:       quiet{logging.Logger("embedded/records")},
		}))
}

// BlocksDir is the folder of flatfs. Its disk is the one whose free space counts.
func (r *Repo) BlocksDir() string { return filepath.Join(r.dir, "blocks") }

// Room is nil when a record can be written: see disk.Watch.
func (r *Repo) Room() error {
	if err := r.Disk.Room(); err != nil {
		return fmt.Errorf("%w: %w", ErrStorageFull, err)
	}
	return nil
}

// Close closes the open parts: after an error of OpenRepo that may be some of them.
func (r *Repo) Close() error {
	var errs []error
	if r.blocks != nil {
		errs = append(errs, r.blocks.Close())
	}
	if r.Records != nil {
		errs = append(errs, r.Records.Close())
	}
	return errors.Join(errs...)
}

// quiet logs pebble's info lines at level debug: pebble logs every flush at info.
type quiet struct{ *logging.ZapEventLogger }

func (q quiet) Infof(format string, args ...any) { q.Debugf(format, args...) }

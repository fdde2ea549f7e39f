package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// Folder is the open folder of a node that does not run.
type Folder struct {
	repo   *storage.Repo
	store  *storage.Store
	pins   *pinset
	repair bool
}

// errReadOnly keeps a Folder that is not to be repaired from being changed.
var errReadOnly = errors.New("nothing is to be changed")

// OpenFolder opens the folder of a node that does not run; a relative one is below
// baseDir. With repair, Verify records the pins that have bad blocks, so that the
// node fetches these blocks when it runs; without it nothing is changed.
func OpenFolder(ctx context.Context, cfg Config, baseDir string, repair bool) (_ *Folder, err error) {
	dir := cfg.folder(baseDir)
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("folder of the IPFS node: %w", err)
	}
	r, err := storage.OpenRepo(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	room := r.Room
	if !repair {
		room = func() error { return errReadOnly }
	}
	lost, err := storage.OpenDamaged(ctx, r.Records, room)
	if err != nil {
		return nil, err
	}
	f := &Folder{repo: r, repair: repair, store: storage.NewStore(r, storage.NewClaims(), lost, uint64(cfg.StorageMax))}
	if f.pins, err = openPinset(ctx, r.Records, offlineDAG(f.store)); err != nil {
		return nil, err
	}
	return f, nil
}

// Verify is Node.Verify.
func (f *Folder) Verify(ctx context.Context, pins []cid.Cid, report func(Found) error) error {
	v := verifier{f.store, f.pins, func(g gap) error {
		if !f.repair {
			return nil
		}
		if err := f.repo.Room(); err != nil {
			return err
		}
		return f.pins.setBroken(ctx, g.pin, g.block)
	}}
	return v.verify(ctx, pins, report)
}

// Recorded is Node.Recorded.
func (f *Folder) Recorded(ctx context.Context, c cid.Cid) (bool, error) {
	_, recorded, err := f.pins.recorded(ctx, c)
	return recorded, err
}

// BlockGet returns a block that is in the folder.
func (f *Folder) BlockGet(ctx context.Context, c api.Cid) ([]byte, error) {
	b, err := f.store.Get(ctx, c.Cid)
	if err != nil {
		return nil, err
	}
	return b.RawData(), nil
}

// Close closes the folder.
func (f *Folder) Close() error { return f.repo.Close() }

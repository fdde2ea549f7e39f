package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ipfs-cluster/pinsvc/internal/atomicfile"
)

// The names of the folders beside the one that a swap replaces: its own name
// and one of these endings.
const (
	swapNew   = ".new"      // incomplete: being written or being removed
	swapWhole = ".whole"    // complete: the new folder or, after an exchange, the old one
	swapOld   = ".replaced" // the old folder, on a file system that cannot exchange
)

// errNoSwap says that a folder can only be changed in place.
var errNoSwap = errors.New("the folder cannot be replaced as a whole")

// swap replaces a folder by one that is written beside it. At any moment, and
// after a kill at any moment, place is the whole old or the whole new folder,
// once settle has run.
type swap struct {
	place string // without symbolic links
	// keep takes the old folder away, for a backup. nil: the old folder is
	// removed.
	keep func(old string) error
}

func newSwap(place string, keep func(string) error) *swap {
	if real, err := filepath.EvalSymlinks(place); err == nil {
		place = real
	}
	return &swap{place: place, keep: keep}
}

// fresh is the folder to write to between begin and commit.
func (s *swap) fresh() string { return s.place + swapNew }

// begin makes the empty folder fresh. The error wraps errNoSwap for a folder
// that cannot be renamed: a mount point, or an entry of a folder that is not
// writable.
func (s *swap) begin() error {
	if isMount(s.place) {
		return fmt.Errorf("%w: %s is a mount point", errNoSwap, s.place)
	}
	err := os.RemoveAll(s.fresh())
	if err == nil {
		err = os.MkdirAll(s.fresh(), 0o700)
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w: %w", errNoSwap, err)
	}
	return err
}

// discard gives up what begin made.
func (s *swap) discard() error { return os.RemoveAll(s.fresh()) }

// commit puts the fresh folder in place, durably. Whatever is left of the old
// one after an interruption is dealt with by settle.
func (s *swap) commit() error {
	whole := s.place + swapWhole
	err := atomicfile.SyncTree(s.fresh())
	if err == nil {
		err = os.Rename(s.fresh(), whole)
	}
	if err == nil {
		err = atomicfile.Sync(filepath.Dir(s.place))
	}
	if err != nil {
		return err
	}
	if atomicfile.Exists(s.place) {
		if err = exchange(whole, s.place); errors.Is(err, errNoExchange) {
			err = os.Rename(s.place, s.place+swapOld)
			if err == nil {
				err = os.Rename(whole, s.place)
			}
		}
	} else {
		err = os.Rename(whole, s.place)
	}
	if err != nil {
		return errors.Join(err, s.settle())
	}
	if err := atomicfile.Sync(filepath.Dir(s.place)); err != nil {
		return err
	}
	return s.settle()
}

// settle completes a commit that was interrupted and removes what an
// interruption before a commit has left. It must run before place is used.
func (s *swap) settle() error {
	whole, old := s.place+swapWhole, s.place+swapOld
	if err := s.discard(); err != nil {
		return err
	}
	here, hasWhole, hasOld := atomicfile.Exists(s.place), atomicfile.Exists(whole), atomicfile.Exists(old)
	switch {
	case here && hasWhole && hasOld:
		return fmt.Errorf("another program has used %s after 'pinsvc state import' was interrupted: "+
			"%s has the pinset before it, and %s the imported one. Move the one to keep to %s, and the others away", s.place, old, whole, s.place)
	case !here && hasWhole:
		if err := os.Rename(whole, s.place); err != nil {
			return err
		}
	case !here && hasOld:
		if err := os.Rename(old, s.place); err != nil {
			return err
		}
	}
	for _, path := range []string{whole, old} {
		if err := s.dispose(path); err != nil {
			return fmt.Errorf("putting the old folder away: %w", err)
		}
	}
	return nil
}

// dispose removes a folder that was replaced, or has it kept. One that is
// partly removed never has the name of a complete one.
func (s *swap) dispose(path string) error {
	switch {
	case !atomicfile.Exists(path):
		return nil
	case s.keep != nil:
		return s.keep(path)
	}
	if err := os.Rename(path, s.fresh()); err != nil {
		return err
	}
	return s.discard()
}

package peer

import (
	"errors"
	"path/filepath"

	"github.com/ipfs-cluster/ipfs-cluster/config"
)

// Check reads service.json and identity.json and returns everything that keeps
// a peer from running with them, as *Mistakes: wrong values, keys that nobody
// knows (unless allowUnknown), components that exclude each other or are
// missing, and a broken identity. An error that wraps ErrNoFolder says that
// there is nothing to check.
func Check(folder string, allowUnknown bool) error {
	if err := requireFolder(folder); err != nil {
		return err
	}
	s, found := readSettings(folder, allowUnknown)
	defer s.Close()
	if !s.unreadable {
		found = append(found, s.choices()...)
	}
	_, err := LoadIdentity(folder)
	if err != nil && len(found) == 0 {
		return &Mistakes{folder, apart(err)}
	}
	return mistaken(folder, append(found, apart(err)...))
}

// mistaken is nil when nothing was found.
func mistaken(folder string, found []error) error {
	if len(found) == 0 {
		return nil
	}
	return &Mistakes{filepath.Join(folder, settingsFile), found}
}

// choices returns what is wrong with the selection of components.
func (s *Settings) choices() (found []error) {
	_, err := s.Consensus()
	found = append(found, err)
	_, err = s.IPFS()
	found = append(found, err)
	if s.has(config.Consensus, "crdt") {
		_, err = s.backend()
		found = append(found, err)
	}
	if !s.has(config.Informer, "disk") && !s.has(config.Informer, "tags") && !s.has(config.Informer, "pinqueue") {
		found = append(found, errNoInformer)
	}
	return apart(errors.Join(found...))
}

package settings

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ipfs-cluster/ipfs-cluster/config"
)

// Check returns all mistakes of the service.json in a folder, and of the
// environment variables: wrong values, keys that nobody knows (unless
// allowUnknown), and components that exclude each other or are missing.
func Check(folder string, allowUnknown bool) []error {
	s, found := read(folder, allowUnknown)
	defer s.Close()
	if !s.unreadable {
		found = append(found, s.checkChoices()...)
	}
	return found
}

// checkChoices returns what is wrong with the selection of components.
func (s *Settings) checkChoices() (found []error) {
	_, err := s.Consensus()
	found = append(found, err)
	_, err = s.IPFS()
	found = append(found, err)
	if s.Has(config.Consensus, "crdt") {
		_, err = s.Datastore()
		found = append(found, err)
	}
	if !s.Has(config.Informer, "disk") && !s.Has(config.Informer, "tags") && !s.Has(config.Informer, "pinqueue") {
		found = append(found, ErrNoInformer)
	}
	return split(errors.Join(found...))
}

var ErrNoInformer = errors.New("informer: none is configured, add one of disk, tags, pinqueue")

// Datastore returns the datastore that the file has a section for, which a CRDT
// peer keeps its state in.
func (s *Settings) Datastore() (string, error) {
	var found []string
	for _, key := range []string{"badger", "badger3", "leveldb", "pebble"} {
		if s.Has(config.Datastore, key) {
			found = append(found, key)
		}
	}
	switch len(found) {
	case 0:
		return "", errors.New("datastore: none is configured, add one of badger, badger3, leveldb, pebble")
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("datastore: %s are all configured, keep one", strings.Join(found, ", "))
}

package peer

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/ipfs-cluster/ipfs-cluster/config"
)

// LoadIdentity reads the peer's key pair from identity.json in the folder and
// applies CLUSTER_ID and CLUSTER_PRIVATEKEY, as ipfs-cluster-service does.
func LoadIdentity(folder string) (*config.Identity, error) {
	path := filepath.Join(folder, identityFile)
	id := &config.Identity{}
	if err := id.LoadJSONFromFile(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no %s in %s", identityFile, folder)
	} else if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if err := id.ApplyEnvVars(); err != nil {
		return nil, fmt.Errorf("applying the environment to the identity: %w", err)
	}
	return id, nil
}

// ensureIdentity makes a new key pair unless the folder has one, and tells
// whether it did. An identity is never replaced: it is the peer's name in the
// cluster, and in pins that are allocated to it.
func ensureIdentity(folder string) (created bool, err error) {
	path := filepath.Join(folder, identityFile)
	if exists(path) {
		_, err := LoadIdentity(folder)
		return false, err
	}
	id, err := config.NewIdentity()
	if err != nil {
		return false, fmt.Errorf("making an identity: %w", err)
	}
	if err := id.ApplyEnvVars(); err != nil {
		return false, fmt.Errorf("applying the environment to the identity: %w", err)
	}
	if err := id.SaveJSON(path); err != nil {
		return false, fmt.Errorf("writing the identity: %w", err)
	}
	return true, nil
}

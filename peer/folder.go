package peer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	fslock "github.com/ipfs/go-fs-lock"
)

// The names of the files in a peer's folder. They are those of
// ipfs-cluster-service, so that both programs can use one folder in turn.
const (
	settingsFile = "service.json"
	identityFile = "identity.json"
	lockFile     = "cluster.lock"
)

// ErrNoFolder is returned for a folder that has no service.json.
var ErrNoFolder = errors.New("no " + settingsFile)

// ErrLocked is returned when another process uses the folder.
var ErrLocked = errors.New("in use by another process")

// SettingsPath is where the configuration is in a peer's folder.
func SettingsPath(folder string) string { return filepath.Join(folder, settingsFile) }

// Initialised tells whether the folder holds a service.json.
func Initialised(folder string) bool {
	return exists(SettingsPath(folder))
}

// exists errs on the side of true: what cannot be looked at is not written to.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// requireFolder returns an error that wraps ErrNoFolder, or the reason why
// service.json cannot be looked at.
func requireFolder(folder string) error {
	_, err := os.Stat(filepath.Join(folder, settingsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w in %s: choose another folder with --config, or make a peer there with 'pinsvc init'", ErrNoFolder, folder)
	}
	return file(err)
}

// lock takes the folder for this process until the value is closed. The lock
// is the file that ipfs-cluster-service locks: never both on one datastore.
func lock(folder string) (io.Closer, error) {
	l, err := fslock.Lock(folder, lockFile)
	var taken fslock.LockedError
	switch {
	case errors.As(err, &taken):
		return nil, fmt.Errorf("folder %s is %w: stop the daemon that runs on it, or choose another folder with --config", folder, ErrLocked)
	case err != nil:
		return nil, fmt.Errorf("locking the folder: %w", file(err))
	}
	return l, nil
}

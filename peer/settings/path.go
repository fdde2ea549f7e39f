package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ipfs-cluster/pinsvc/internal/atomicfile"
)

// IdentityFile is the name of the file with the key pair of the peer.
const IdentityFile = "identity.json"

// File is the name of the configuration in a peer's folder, as
// ipfs-cluster-service has it.
const File = "service.json"

// ErrNoFolder is returned for a folder that has no service.json.
var ErrNoFolder = errors.New("no " + File)

// Path is where the configuration is in a peer's folder.
func Path(folder string) string { return filepath.Join(folder, File) }

// Initialised tells whether the folder holds a service.json.
func Initialised(folder string) bool {
	return atomicfile.Exists(Path(folder))
}

// Require returns an error that wraps ErrNoFolder, or the reason why
// service.json cannot be looked at.
func Require(folder string) error {
	_, err := os.Stat(filepath.Join(folder, File))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w in %s: choose another folder with --config, or make a peer there with 'pinsvc init'", ErrNoFolder, folder)
	}
	return ExplainFile(err)
}

// JSON returns the settings as service.json has them, secrets included.
func (s *Settings) JSON() ([]byte, error) { return s.manager.ToJSON() }

// Display returns the settings as JSON without secrets.
func (s *Settings) Display() ([]byte, error) { return s.manager.ToDisplayJSON() }

// Folder returns the peer's folder.
func (s *Settings) Folder() string { return s.folder }

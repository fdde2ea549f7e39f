package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/internal/atomicfile"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// ErrExists is returned for a folder that has a service.json already.
var ErrExists = errors.New("exists already")

// CreateOptions says what kind of peer to make.
type CreateOptions struct {
	settings.Choice
	Overwrite bool // replace a service.json, but never an identity.json
}

// Created says what Create has made.
type Created struct {
	Settings    string // path of service.json
	Identity    string // path of identity.json
	NewIdentity bool   // false: there was one, and it was kept
	Backup      string // path of the service.json that was replaced, or empty
}

// Create makes the folder of a peer: service.json with the defaults, CLUSTER_*
// environment variables applied, and a user with a random password in both API
// sections; identity.json unless there is one; and an empty peerstore. Only
// the owner may read them.
func Create(folder string, o CreateOptions) (*Created, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	known, err := libp2p.AddrInfosFromP2pAddrs(o.Peers...)
	if err != nil {
		return nil, fmt.Errorf("peers to begin with: %w", err)
	}
	c := &Created{
		Settings: filepath.Join(folder, settings.File),
		Identity: filepath.Join(folder, settings.IdentityFile),
	}
	switch err := settings.Require(folder); {
	case errors.Is(err, settings.ErrNoFolder):
	case err != nil:
		return nil, err
	case !o.Overwrite:
		return nil, fmt.Errorf("%s %w", c.Settings, ErrExists)
	}
	s, err := settings.New(folder, o.Choice)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder: %w", settings.ExplainFile(err))
	}
	l, err := Lock(folder)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return c, c.write(s, known)
}

// write puts the files where they belong; service.json last, since it is what
// makes a folder count as initialised. Each is replaced as a whole, so that an
// interruption leaves a folder that is as it was, or complete.
func (c *Created) write(s *settings.Settings, known []libp2p.AddrInfo) (err error) {
	if c.NewIdentity, err = ensureIdentity(s.Folder()); err != nil {
		return err
	}
	if err := writePeerstore(s.Cluster.GetPeerstorePath(), known); err != nil {
		return err
	}
	text, err := s.JSON()
	if err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	if atomicfile.Exists(c.Settings) {
		c.Backup = c.Settings + "." + time.Now().UTC().Format("20060102T150405.000Z")
		old, err := os.ReadFile(c.Settings)
		if err == nil {
			err = atomicfile.WriteBytes(c.Backup, old)
		}
		if err != nil {
			return fmt.Errorf("keeping the old configuration: %w", settings.ExplainFile(err))
		}
	}
	if err := atomicfile.WriteBytes(c.Settings, text); err != nil {
		return fmt.Errorf("writing the configuration: %w", settings.ExplainFile(err))
	}
	return nil
}

package process

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Folder is a peer's folder, initialised.
type Folder struct {
	program  Program
	path     string
	settings *settings
	before   []string // of the daemon's command line
}

// Path returns where the folder is.
func (f *Folder) Path() string { return f.path }

// With returns the same folder for another program: what one has stopped, the
// other can start.
func (f *Folder) With(p Program) *Folder {
	return &Folder{program: p, path: f.path, settings: f.settings, before: f.before}
}

// Behind returns the same folder, whose daemon is started by another command
// that becomes it, such as `ip netns exec`.
func (f *Folder) Behind(command ...string) *Folder {
	return &Folder{program: f.program, path: f.path, settings: f.settings, before: command}
}

// PeerID returns the peer's ID in the cluster.
func (f *Folder) PeerID() (string, error) {
	raw, err := os.ReadFile(filepath.Join(f.path, "identity.json"))
	if err != nil {
		return "", err
	}
	var identity struct{ ID string }
	err = json.Unmarshal(raw, &identity)
	return identity.ID, err
}

// Import replaces the peer's pinset by the export in a file. The daemon must
// not run.
func (f *Folder) Import(ctx context.Context, file string) error {
	return f.run(ctx, "state", "import", "-f", file)
}

// Secret returns the cluster's secret, for another folder's Options.
func (f *Folder) Secret() string {
	secret, _ := f.settings.get("cluster", "secret").(string)
	return secret
}

// Multiaddr returns the address that another peer can bootstrap to.
func (f *Folder) Multiaddr() (string, error) {
	id, err := f.PeerID()
	if err != nil {
		return "", err
	}
	addresses := words(f.settings.get("cluster", "listen_multiaddress"))
	if len(addresses) == 0 {
		return "", fmt.Errorf("%s: the peer listens nowhere", f.path)
	}
	return addresses[0] + "/p2p/" + id, nil
}

// Endpoint is an HTTP API of a peer, with the credentials that it wants.
type Endpoint struct {
	URL            string // without a trailing slash
	User, Password string // empty: it wants none
}

// Endpoint returns the API of a section of service.json: "pinsvcapi" or
// "restapi".
func (f *Folder) Endpoint(section string) (Endpoint, error) {
	return f.settings.endpoint(section)
}

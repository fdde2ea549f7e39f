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
}

// Path returns where the folder is.
func (f *Folder) Path() string { return f.path }

// With returns the same folder for another program: what one has stopped, the
// other can start.
func (f *Folder) With(p Program) *Folder {
	return &Folder{program: p, path: f.path, settings: f.settings}
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
	raw, err := os.ReadFile(filepath.Join(f.path, "identity.json"))
	if err != nil {
		return "", err
	}
	var identity struct{ ID string }
	if err := json.Unmarshal(raw, &identity); err != nil {
		return "", err
	}
	addresses := words(f.settings.get("cluster", "listen_multiaddress"))
	if len(addresses) == 0 {
		return "", fmt.Errorf("%s: the peer listens nowhere", f.path)
	}
	return addresses[0] + "/p2p/" + identity.ID, nil
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

package folder

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/libp2p/go-libp2p/core/crypto"
	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/internal/atomicfile"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// The environment variables that replace what is in identity.json.
const (
	idVariable  = "CLUSTER_ID"
	keyVariable = "CLUSTER_PRIVATEKEY"
)

// LoadIdentity reads the peer's key pair from identity.json in the folder and
// applies CLUSTER_ID and CLUSTER_PRIVATEKEY, as ipfs-cluster-service does. The
// error has all mistakes, each with the file and the key.
func LoadIdentity(folder string) (*config.Identity, error) {
	text, err := os.ReadFile(filepath.Join(folder, settings.IdentityFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no %s in %s: restore it from a backup, or make a new peer with 'pinsvc init -f'",
			settings.IdentityFile, folder)
	case err != nil:
		return nil, settings.ExplainFile(err)
	}
	var given struct {
		ID         string `json:"id"`
		PrivateKey string `json:"private_key"`
	}
	if err := json.Unmarshal(text, &given); err != nil {
		return nil, fmt.Errorf("%s: not valid JSON: %w: restore it from a backup", settings.IdentityFile, err)
	}
	id := &config.Identity{}
	idFrom, idText := override("id", given.ID, idVariable)
	keyFrom, keyText := override("private_key", given.PrivateKey, keyVariable)
	idErr := error(nil)
	if id.ID, idErr = libp2p.Decode(idText); idErr != nil {
		idErr = fmt.Errorf("%s: %q is not a peer ID", idFrom, idText)
	}
	keyErr := error(nil)
	if id.PrivateKey, keyErr = decodeKey(keyText); keyErr != nil {
		keyErr = fmt.Errorf("%s: %w", keyFrom, keyErr)
	}
	if err := errors.Join(idErr, keyErr); err != nil {
		return nil, err
	}
	if !id.ID.MatchesPrivateKey(id.PrivateKey) {
		return nil, fmt.Errorf("%s: does not belong to the private key: restore %s from a backup", idFrom, settings.IdentityFile)
	}
	return id, nil
}

// override returns a value, and where it comes from, for messages.
func override(key, value, variable string) (from, text string) {
	if set := os.Getenv(variable); set != "" {
		return "environment variable " + variable, set
	}
	return settings.IdentityFile + ": " + key, value
}

// decodeKey reads a private key as the file has it. No error has it in it.
func decodeKey(text string) (crypto.PrivKey, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || text == "" {
		return nil, errors.New("is not a private key in base64")
	}
	key, err := crypto.UnmarshalPrivateKey(raw)
	if err != nil {
		return nil, errors.New("is not a libp2p private key")
	}
	return key, nil
}

// ensureIdentity makes a new key pair unless the folder has one, and tells
// whether it did. An identity is never replaced: it is the peer's name in the
// cluster, and in pins that are allocated to it.
func ensureIdentity(folder string) (created bool, err error) {
	path := filepath.Join(folder, settings.IdentityFile)
	if atomicfile.Exists(path) {
		if _, err := LoadIdentity(folder); err != nil {
			return false, settings.Invalid(folder, err)
		}
		return false, nil
	}
	id, err := config.NewIdentity()
	if err != nil {
		return false, fmt.Errorf("making an identity: %w", err)
	}
	if err := id.ApplyEnvVars(); err != nil {
		return false, fmt.Errorf("environment variables %s and %s: not a peer ID and its private key: %w", idVariable, keyVariable, err)
	}
	text, err := id.ToJSON()
	if err == nil {
		err = atomicfile.WriteBytes(path, text)
	}
	if err != nil {
		return false, fmt.Errorf("writing the identity: %w", settings.ExplainFile(err))
	}
	return true, nil
}

package storage

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/libp2p/go-libp2p/core/crypto"
)

// loadIdentity reads the private key in file, which is its libp2p protobuf in
// base64. Without a file it makes an ed25519 key and stores it with mode 0600.
func loadIdentity(file string) (crypto.PrivKey, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return createIdentity(file)
	}
	if err != nil {
		return nil, err
	}
	return parseIdentity(file, string(text))
}

func parseIdentity(file, text string) (crypto.PrivKey, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err == nil {
		var key crypto.PrivKey
		if key, err = crypto.UnmarshalPrivateKey(raw); err == nil {
			return key, nil
		}
	}
	// The cause could quote the key, so it stays out.
	return nil, fmt.Errorf("%s holds no valid private key", file)
}

// createIdentity never leaves half a file behind: a node with a new identity cannot be
// reached under the peer ID that other nodes have.
func createIdentity(file string) (crypto.PrivKey, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, err
	}
	raw, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := base64.StdEncoding.EncodeToString(raw) + "\n"
	if err := writeDurably(file, []byte(text)); err != nil {
		return nil, err
	}
	return key, nil
}

// writeDurably writes and syncs a temporary file before it takes the name of the real
// one: after a crash the file is complete or missing. Only this user may read it.
func writeDurably(file string, data []byte) error {
	tmp := file + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp, file)
}

package auth

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	// hashPrefix is what a bcrypt hash begins with. A stored entry that does
	// is a hash, any other is the password itself.
	hashPrefix = "$2"
	// hashCost is that of new hashes. Passwords are meant to be long, and
	// every failed attempt costs this much.
	hashCost = bcrypt.DefaultCost
	// maxHashCost bounds what a configured hash may cost: about four seconds.
	maxHashCost = 16
	// MaxHashWait is how long a password waits at most until it is hashed.
	MaxHashWait = 10 * time.Second
	// maxPassword is how many bytes of a password bcrypt looks at. Longer ones
	// would be as good as every other with the same beginning.
	maxPassword = 72
	// tokenKeyInfo keeps the keys of tokens apart from other uses of a hash.
	tokenKeyInfo = "pinsvc bearer token"
)

// IsHashed tells whether an entry of basic_auth_credentials is the hash of a
// password, not the password itself.
func IsHashed(stored string) bool { return strings.HasPrefix(stored, hashPrefix) }

// HashPassword returns a password's bcrypt hash, to be stored as an entry of
// basic_auth_credentials. It takes at most 72 bytes, since bcrypt ignores the
// rest.
func HashPassword(password string) (string, error) {
	switch {
	case password == "":
		return "", errors.New("the password is empty")
	case len(password) > maxPassword:
		return "", fmt.Errorf("the password has %d bytes, and bcrypt looks at the first %d bytes only: choose a shorter one", len(password), maxPassword)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), hashCost)
	return string(hash), err
}

// CheckHash returns what is wrong with a hashed entry, without showing it.
func CheckHash(stored string) error {
	cost, err := bcrypt.Cost([]byte(stored))
	switch {
	case err != nil:
		return errors.New("begins like a bcrypt hash, but is none: make one with `pinsvc passwd`")
	case cost > maxHashCost:
		return fmt.Errorf("is a bcrypt hash of cost %d, at most %d: make another with `pinsvc passwd`", cost, maxHashCost)
	}
	return nil
}

// newTokenKey returns what the tokens of a user are signed with: the password
// as it is stored, as older peers have it, or a key derived from the hash. The
// hash itself would be accepted as a password by older peers.
func newTokenKey(stored string) []byte {
	if !IsHashed(stored) {
		return []byte(stored)
	}
	key, err := hkdf.Key(sha256.New, []byte(stored), nil, tokenKeyInfo, sha256.Size)
	if err != nil { // only for a length that is too large
		return nil
	}
	return key
}

package common

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// Credentials are the users of one section. They can be replaced at any time.
//
// Names and passwords are compared by their digests under a key that only this
// process has, in constant time. An unknown user is compared with an entry that
// nobody has, so that both cost the same.
type Credentials struct {
	key    [sha256.Size]byte
	nobody *entry
	users  atomic.Pointer[userTable] // nil when everybody may enter

	now     func() time.Time
	compare func(a, b []byte) bool
}

type digest [sha256.Size]byte

// userTable finds entries by the digest of the user's name.
type userTable map[digest]*entry

// entry is what is known of one user.
type entry struct {
	password digest
	tokenKey []byte // what the user's tokens are signed with
}

// NewCredentials returns the given users with their stored passwords; nil lets
// everybody in, an empty map nobody. An empty name or password never lets
// anybody in.
func NewCredentials(users map[string]string) *Credentials {
	c := &Credentials{now: time.Now, compare: hmac.Equal}
	_, _ = rand.Read(c.key[:]) // never fails, see package crypto/rand
	c.nobody = c.newEntry(rand.Text())
	c.Replace(users)
	return c
}

// Replace swaps all users at once. Requests that are already authenticated go
// on; the tokens of users that are gone or changed are worth nothing from now
// on. The map is not kept.
func (c *Credentials) Replace(users map[string]string) {
	if users == nil {
		c.users.Store(nil)
		return
	}
	table := make(userTable, len(users))
	for name, password := range users {
		if name != "" && password != "" {
			table[c.digest(name)] = c.newEntry(password)
		}
	}
	c.users.Store(&table)
}

// Open tells whether everybody may enter, which is without any credentials
// configured.
func (c *Credentials) Open() bool { return c.users.Load() == nil }

// Format writes nothing but the type's name under every verb.
func (c *Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "credentials") }

func (c *Credentials) newEntry(stored string) *entry {
	return &entry{password: c.digest(stored), tokenKey: newTokenKey(stored)}
}

func (c *Credentials) digest(text string) (d digest) {
	mac := hmac.New(sha256.New, c.key[:])
	_, _ = io.WriteString(mac, text) // never fails, see package hash
	mac.Sum(d[:0])
	return d
}

// find returns a user's entry, or nobody's entry and false.
func (c *Credentials) find(name string) (*entry, bool) {
	if table := c.users.Load(); table != nil {
		if e, ok := (*table)[c.digest(name)]; ok {
			return e, true
		}
	}
	return c.nobody, false
}

// verifyPassword tells whether the password is the user's.
func (c *Credentials) verifyPassword(name, password string) bool {
	e, known := c.find(name)
	given := c.digest(password)
	return c.compare(given[:], e.password[:]) && known
}

// verifyToken returns the user that a bearer token is valid for. The error can
// be shown to the client.
func (c *Credentials) verifyToken(token string) (User, error) {
	claims, err := parseToken(token, c.now(), func(issuer string) []byte {
		e, _ := c.find(issuer) // nobody's key verifies nothing
		return e.tokenKey
	})
	if err != nil {
		return User{}, err
	}
	user := User{Name: claims.Issuer, TokenID: claims.ID, bearer: true}
	if claims.ExpiresAt != nil {
		user.expires = claims.ExpiresAt.Time
	}
	return user, nil
}

// issue returns a token for a user, or false when there is no such user (any
// more).
func (c *Credentials) issue(name string, expires time.Time) (string, bool, error) {
	e, known := c.find(name)
	if !known {
		return "", false, nil
	}
	token, err := signToken(name, e.tokenKey, c.now(), expires)
	return token, true, err
}

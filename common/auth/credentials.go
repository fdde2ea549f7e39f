package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// rememberFor is how long a password that was found to fit a hash needs no
// hashing again.
const rememberFor = time.Minute

// Credentials are the users of one section. They can be replaced at any time.
//
// Names and passwords are compared by their digests under a key that only this
// process has, in constant time. An unknown user is compared with an entry that
// nobody has, so that both cost the same. As soon as one user's password is
// stored as a hash, every failed attempt hashes, whoever's it is.
type Credentials struct {
	key    [sha256.Size]byte
	nobody *entry
	users  atomic.Pointer[userTable] // nil when everybody may enter

	now         func() time.Time
	compare     func(a, b []byte) bool
	compareHash func(hash, password []byte) error
}

type digest [sha256.Size]byte

// userTable is all users at one time.
type userTable struct {
	byName map[digest]*entry // by the digest of the user's name
	decoy  []byte            // the costliest hash of all, or nil
}

// entry is what is known of one user.
type entry struct {
	password digest // of a password that is stored as it is, else of nothing
	hash     []byte // bcrypt, or nil
	tokenKey []byte // what the user's tokens are signed with
	recent   atomic.Pointer[recent]
}

// recent is the last password that was found to fit a hash.
type recent struct {
	password digest
	until    time.Time
}

// NewCredentials returns the given users with their stored passwords or hashes;
// nil lets everybody in, an empty map nobody. An empty name or password never
// lets anybody in.
func NewCredentials(users map[string]string) *Credentials {
	c := &Credentials{now: time.Now, compare: hmac.Equal, compareHash: bcrypt.CompareHashAndPassword}
	_, _ = rand.Read(c.key[:]) // never fails, see package crypto/rand
	c.nobody = c.newEntry(rand.Text())
	c.Replace(users)
	return c
}

// Replace swaps all users at once. Requests that are already authenticated go
// on; the tokens of users that are gone or changed are worth nothing from now
// on. The map is not kept. An entry that looks like a hash but is none lets
// nobody in; Config.Validate finds those.
func (c *Credentials) Replace(users map[string]string) {
	if users == nil {
		c.users.Store(nil)
		return
	}
	table := &userTable{byName: make(map[digest]*entry, len(users))}
	highest := 0
	for name, stored := range users {
		if name == "" || stored == "" || IsHashed(stored) && CheckHash(stored) != nil {
			continue
		}
		e := c.newEntry(stored)
		table.byName[c.digest(name)] = e
		if cost, _ := bcrypt.Cost(e.hash); cost > highest { // 0 without a hash
			highest, table.decoy = cost, e.hash
		}
	}
	c.users.Store(table)
}

// Open tells whether everybody may enter, which is without any credentials
// configured.
func (c *Credentials) Open() bool { return c.users.Load() == nil }

// Format writes nothing but the type's name under every verb.
func (c *Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "credentials") }

func (c *Credentials) newEntry(stored string) *entry {
	e := &entry{tokenKey: newTokenKey(stored)}
	if IsHashed(stored) {
		e.hash = []byte(stored)
		_, _ = rand.Read(e.password[:]) // fits nothing
	} else {
		e.password = c.digest(stored)
	}
	return e
}

func (c *Credentials) digest(text string) (d digest) {
	mac := hmac.New(sha256.New, c.key[:])
	_, _ = io.WriteString(mac, text) // never fails, see package hash
	mac.Sum(d[:0])
	return d
}

// find returns a user's entry, or nobody's entry and false.
func (t *userTable) find(name digest, nobody *entry) (*entry, bool) {
	if t != nil {
		if e, ok := t.byName[name]; ok {
			return e, true
		}
	}
	return nobody, false
}

func (c *Credentials) find(name string) (*entry, bool) {
	return c.users.Load().find(c.digest(name), c.nobody)
}

// remembers tells whether the password is the user's, as far as that is known
// without hashing.
func (c *Credentials) remembers(name, password string) bool {
	e, known := c.find(name)
	return c.fits(e, c.digest(password)) && known
}

// verifyPassword tells whether the password is the user's. Before it hashes, it
// waits with turn, whose refusal it returns.
func (c *Credentials) verifyPassword(name, password string, turn func() (leave func(), refusal *Refusal)) (bool, *Refusal) {
	if c.remembers(name, password) {
		return true, nil
	}
	if !c.hashes() {
		return false, nil
	}
	leave, refusal := turn()
	if refusal != nil {
		return false, refusal
	}
	defer leave()
	return c.verifyHash(name, password), nil
}

// verifyHash hashes the password, unless another request has done so. It looks
// the user up again: the users may have been replaced during the wait.
func (c *Credentials) verifyHash(name, password string) bool {
	table := c.users.Load()
	e, known := table.find(c.digest(name), c.nobody)
	given := c.digest(password)
	if c.fits(e, given) && known {
		return true
	}
	if table == nil || table.decoy == nil {
		return false
	}
	hash := table.decoy
	if e.hash != nil {
		hash = e.hash
	}
	looked := []byte(password)[:min(len(password), maxPassword)]
	same := c.compareHash(hash, looked) == nil
	if !same || e.hash == nil || len(password) > maxPassword {
		return false
	}
	e.recent.Store(&recent{given, c.now().Add(rememberFor)})
	return true
}

// hashes tells whether any password is stored as a hash.
func (c *Credentials) hashes() bool {
	table := c.users.Load()
	return table != nil && table.decoy != nil
}

// fits compares a password with what of an entry can be compared without
// hashing.
func (c *Credentials) fits(e *entry, given digest) bool {
	want := e.password
	if r := e.recent.Load(); r != nil && c.now().Before(r.until) {
		want = r.password
	}
	return c.compare(given[:], want[:])
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

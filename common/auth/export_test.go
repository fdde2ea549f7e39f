package auth

import "time"

// Hooks of the tests that drive a whole handler.

var (
	ErrTokenInvalid   = errTokenInvalid
	ParseToken        = parseToken
	ParseTokenRequest = parseTokenRequest
)

const (
	MaxPassword            = maxPassword
	MaxGuessers            = maxGuessers
	MaxHashWaitsPerAddress = maxHashWaitsPerAddress
	MaxDelaysPerAddress    = maxDelaysPerAddress
	GuessInterval          = guessInterval
)

func (c *Credentials) SetNow(now func() time.Time)                        { c.now = now }
func (c *Credentials) SetCompare(f func(a, b []byte) bool)                { c.compare = f }
func (c *Credentials) VerifyToken(token string) (User, error)             { return c.verifyToken(token) }
func (c *Credentials) CompareHash() func(hash, password []byte) error     { return c.compareHash }
func (c *Credentials) SetCompareHash(f func(hash, password []byte) error) { c.compareHash = f }

func (c *Credentials) TokenKey(name string) []byte {
	e, _ := c.find(name)
	return e.tokenKey
}

// Fits reports whether a password is the user's, without a turn.
func (c *Credentials) Fits(name, password string) bool {
	ok, refusal := c.verifyPassword(name, password, func() (func(), *Refusal) { return func() {}, nil })
	return ok && refusal == nil
}

func (u User) Expires() time.Time { return u.expires }

func (t *Throttle) SetNow(now func() time.Time) { t.now = now }
func (t *Throttle) SetFree(n int)               { t.hashes.free = n }
func (t *Throttle) Free() int                   { return t.hashes.free }
func (t *Throttle) Waiting() int                { return t.hashes.waiting }
func (t *Throttle) Leave()                      { t.hashes.leave() }

// Delayed is how many refusals are held back, and of how many addresses.
func (t *Throttle) Delayed() (all, addresses int) {
	t.delays.mu.Lock()
	defer t.delays.mu.Unlock()
	return t.delays.count, len(t.delays.of)
}

// OverLimit reports whether a client has exceeded a limit per minute.
func (t *Throttle) OverLimit(client string, perMinute int) bool {
	return limit{t, perMinute}.overLimit(client) != nil
}

// Turn is the turn of a client that has failed, and Guessers how many wait for it.
func (t *Throttle) Turn(client string) chan struct{} {
	s, _ := t.suspects.Get(client)
	return s.turn
}

func (t *Throttle) Guessers(client string) int {
	s, _ := t.suspects.Get(client)
	return int(s.waiting.Load())
}

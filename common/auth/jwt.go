package auth

import (
	"crypto/rand"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

// leeway is how far the clocks of a token's issuer and ours may be apart.
const leeway = time.Minute

// What is wrong with a token, in words for the client.
var (
	errTokenInvalid  = errors.New("the token is not valid")
	errTokenExpired  = errors.New("the token has expired")
	errTokenTooEarly = errors.New("the token is not valid yet")
)

// claims are those of RFC 7519, section 4.1, judged at a given time.
type claims struct {
	jwt.RegisteredClaims
	now time.Time
}

// Valid implements jwt.Claims. The package calls it after it has verified the
// signature; its own version knows no leeway. When the token was issued says
// nothing about its validity: after a clock was set back, tokens come from the
// future.
func (c *claims) Valid() error {
	switch {
	case c.ExpiresAt != nil && !c.now.Before(c.ExpiresAt.Add(leeway)):
		return errTokenExpired
	case c.NotBefore != nil && c.now.Before(c.NotBefore.Add(-leeway)):
		return errTokenTooEarly
	}
	return nil
}

// parseToken verifies a token with the key of its issuer and judges its claims.
// Only HS256 is accepted. The error is one of the three above.
func parseToken(token string, now time.Time, keyOf func(issuer string) []byte) (*claims, error) {
	c := &claims{now: now}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}))
	_, err := parser.ParseWithClaims(token, c, func(t *jwt.Token) (any, error) {
		if _, critical := t.Header["crit"]; critical {
			return nil, errTokenInvalid // RFC 7515, section 4.1.11: we know no extension
		}
		key := keyOf(c.Issuer)
		if len(key) == 0 {
			return nil, errTokenInvalid
		}
		return key, nil
	})
	switch {
	case err == nil:
		return c, nil
	case errors.Is(err, errTokenExpired):
		return nil, errTokenExpired
	case errors.Is(err, errTokenTooEarly):
		return nil, errTokenTooEarly
	}
	return nil, errTokenInvalid
}

// signToken returns a token that ends at expires, or never when that is zero.
func signToken(issuer string, key []byte, now, expires time.Time) (string, error) {
	if issuer == "" || len(key) == 0 {
		return "", errors.New("a token needs a user with a password")
	}
	c := jwt.RegisteredClaims{
		Issuer:   issuer,
		IssuedAt: jwt.NewNumericDate(now),
		ID:       rand.Text(),
	}
	if !expires.IsZero() {
		c.ExpiresAt = jwt.NewNumericDate(expires)
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(key)
}

// IssueToken returns a bearer token for a user whose stored password or hash is
// given, valid at every API where the user's entry is the same. It ends after
// expiresIn, rounded down to a second; 0 means never.
func IssueToken(user, storedPassword string, expiresIn time.Duration) (string, error) {
	now := time.Now()
	expires, err := expiry(now, expiresIn)
	if err != nil {
		return "", err
	}
	return signToken(user, newTokenKey(storedPassword), now, expires)
}

// expiry returns when a token ends, in whole seconds as tokens have it, or zero
// for never.
func expiry(now time.Time, expiresIn time.Duration) (time.Time, error) {
	switch {
	case expiresIn == 0:
		return time.Time{}, nil
	case expiresIn < time.Second:
		return time.Time{}, errors.New("must be at least 1s")
	}
	return now.Add(expiresIn).Truncate(time.Second), nil
}

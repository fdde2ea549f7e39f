package auth

import (
	"context"
	"time"
)

// User is who sent a request, as far as credentials tell.
type User struct {
	// Name is the user's key in basic_auth_credentials.
	Name string
	// TokenID is the jti claim of the bearer token, empty for Basic
	// authentication and for tokens without one.
	TokenID string

	bearer  bool      // authenticated by a token
	expires time.Time // when that token ends; zero for never
}

type userKey struct{}

// UserFrom returns the user of an authenticated request. There is none when the
// API is open, and on open routes.
func UserFrom(ctx context.Context) (User, bool) {
	user, ok := ctx.Value(userKey{}).(User)
	return user, ok
}

// WithUser returns a context with the user of an authenticated request.
func WithUser(ctx context.Context, user User) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

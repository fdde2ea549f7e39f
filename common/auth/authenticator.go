package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Options are the settings of an Authenticator.
type Options struct {
	// Realm is the realm of challenges.
	Realm string
	// Throttle counts failures together with the other APIs that have it. Nil
	// means one of its own.
	Throttle *Throttle
	// FailuresPerMinute is how many wrong credentials one address may send in a
	// minute; 0 means any number.
	FailuresPerMinute int
	// MaxWait bounds how long a password waits to be verified, and a refusal is
	// delayed. 0, and anything longer, means MaxHashWait.
	MaxWait time.Duration
	// Yield is called before a request waits, and lets its connection be closed
	// for another client until done is called. It may be nil.
	Yield func(*http.Request) (done func())
}

// Authenticator identifies the senders of requests to one API.
type Authenticator struct {
	creds   *Credentials
	limit   limit
	realm   string
	maxWait time.Duration
	yield   func(*http.Request) (done func())
}

// New returns an authenticator of the users in creds, which must not be nil.
func New(creds *Credentials, o Options) *Authenticator {
	throttle := o.Throttle
	if throttle == nil {
		throttle = NewThrottle()
	}
	a := &Authenticator{
		creds:   creds,
		limit:   throttle.withLimit(o.FailuresPerMinute),
		realm:   o.Realm,
		maxWait: MaxHashWait,
		yield:   o.Yield,
	}
	if o.MaxWait > 0 {
		a.maxWait = min(a.maxWait, o.MaxWait)
	}
	if a.yield == nil {
		a.yield = func(*http.Request) func() { return func() {} }
	}
	return a
}

// Open reports whether no credentials are configured, so that everybody may
// enter.
func (a *Authenticator) Open() bool { return a.creds.Open() }

// Authenticate returns the user who sent a request (RFC 7235, section 4.2), or
// a refusal; a 401 carries its challenges. client is the key by which failures
// are counted, an address or a network. It may wait for a while.
func (a *Authenticator) Authenticate(r *http.Request, client string) (User, *Refusal) {
	headers := r.Header.Values("Authorization")
	switch len(headers) {
	case 0:
		return User{}, a.challenge("credentials are needed: Basic, or a bearer token", "")
	case 1:
	default:
		return User{}, a.challenge("there is more than one Authorization header", "")
	}
	scheme, parameter, _ := strings.Cut(headers[0], " ")
	parameter = strings.TrimLeft(parameter, " ")
	switch strings.ToLower(scheme) {
	case "basic":
		return a.verifyBasic(r, client, parameter)
	case "bearer":
		return a.verifyBearer(client, parameter)
	}
	return User{}, a.challenge("the only ways to authenticate are Basic and Bearer", "")
}

// HoldBack delays a refusal, except a 401, so that the answers to many
// connections are not sent at the same moment. When too many are delayed it adds
// a header that closes the connection instead.
func (a *Authenticator) HoldBack(r *http.Request, client string, refusal *Refusal) {
	defer a.yield(r)()
	a.limit.holdBack(r.Context(), client, refusal, a.maxWait)
}

// verifyBasic returns the user of the Basic scheme's parameter. A password that
// was right within the last minute is accepted without waiting; any other
// password from an address with many failures waits for its turn, and may wait
// to be hashed.
func (a *Authenticator) verifyBasic(r *http.Request, client, parameter string) (User, *Refusal) {
	wrong := a.challenge("the user or the password is wrong", "")
	request := http.Request{Header: http.Header{"Authorization": {"Basic " + parameter}}}
	name, password, ok := request.BasicAuth()
	if !ok {
		return User{}, a.limit.wrong(client, wrong)
	}
	credentials := a.creds.digest(r.Header.Get("Authorization"))
	if a.limit.isTrusted(credentials) && a.creds.remembers(name, password) {
		return User{Name: name}, nil
	}
	if len(password) > maxPassword && a.creds.hashes() {
		wrong = a.challenge(fmt.Sprintf(
			"the user or the password is wrong; a password that is stored as a hash has at most %d bytes", maxPassword), "")
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.maxWait)
	defer cancel()
	defer a.yield(r)()
	attempt, refusal := a.limit.begin(ctx, client)
	if refusal != nil {
		return User{}, refusal
	}
	defer attempt.end()
	right, refusal := a.creds.verifyPassword(name, password, func() (func(), *Refusal) { return attempt.hash(ctx) })
	switch {
	case refusal != nil:
		return User{}, refusal
	case !right:
		return User{}, attempt.wrong(wrong)
	}
	a.limit.trust(credentials)
	return User{Name: name}, nil
}

// verifyBearer returns the user of a token. Verification is cheap, so no token
// waits. An invalid token counts as a failure of its address; an expired one
// does not.
func (a *Authenticator) verifyBearer(client, token string) (User, *Refusal) {
	user, err := a.creds.verifyToken(token)
	if err == nil {
		return user, nil
	}
	answer := a.challenge(err.Error(), "invalid_token")
	if errors.Is(err, errTokenInvalid) {
		answer = a.limit.wrong(client, answer)
	}
	return User{}, answer
}

// challenge returns a 401 that offers both schemes (RFC 7617, section 2). A
// bearerError also tells the program that its token is the reason (RFC 6750,
// section 3).
func (a *Authenticator) challenge(details, bearerError string) *Refusal {
	bearer := fmt.Sprintf("Bearer realm=%q", a.realm)
	if bearerError != "" {
		bearer += fmt.Sprintf(", error=%q, error_description=%q", bearerError, details)
	}
	return &Refusal{
		Status:  http.StatusUnauthorized,
		Details: details,
		Header: http.Header{"Www-Authenticate": {
			fmt.Sprintf("Basic realm=%q, charset=\"UTF-8\"", a.realm),
			bearer,
		}},
	}
}

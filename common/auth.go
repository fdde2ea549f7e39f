package common

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// authenticate lets a request pass with its user in the context, or answers 401
// with a challenge. Open routes pass as they are, and so does everything when
// no credentials are configured.
func (h *Handler) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route, is := h.openRoute(r); is && route.HTML {
			w.Header().Add("Vary", "Accept") // for the page and for what others get
		}
		if h.creds.Open() || h.isOpen(r) {
			next.ServeHTTP(w, r)
			return
		}
		user, err := h.identify(r)
		if err != nil {
			failure := h.failureOf(err)
			h.metrics.refused(r, failure.Status)
			h.holdBack(r, failure)
			h.fail(w, r, failure)
			return
		}
		rec := recordOf(r)
		rec.user, rec.tokenID = user.Name, user.TokenID
		next.ServeHTTP(w, r.WithContext(withUser(r.Context(), user)))
	})
}

// holdBack delays a refusal: see Guard.holdBack.
func (h *Handler) holdBack(r *http.Request, f *Failure) {
	defer yieldConnection(r)()
	h.guard.holdBack(r.Context(), bucketOfRequest(r), f, h.limits.part(maxHashPatience))
}

// identify returns who sent a request (RFC 7235, section 4.2). The error is a
// *Failure, and a 401 carries its challenges.
func (h *Handler) identify(r *http.Request) (User, error) {
	headers := r.Header.Values("Authorization")
	switch len(headers) {
	case 0:
		return User{}, h.challenge("credentials are needed: Basic, or a bearer token", "")
	case 1:
	default:
		return User{}, h.challenge("there is more than one Authorization header", "")
	}
	scheme, parameter, _ := strings.Cut(headers[0], " ")
	parameter = strings.TrimLeft(parameter, " ")
	switch strings.ToLower(scheme) {
	case "basic":
		return h.verifyBasic(r, headers[0], parameter)
	case "bearer":
		return h.verifyBearer(r, parameter)
	}
	return User{}, h.challenge("the only ways to authenticate are Basic and Bearer", "")
}

// verifyBasic returns the user of the parameter of the Basic scheme. A password
// that was right within the last minute waits for nothing; any other of an
// address with many failures waits for its turn, and may wait to be hashed.
func (h *Handler) verifyBasic(r *http.Request, header, parameter string) (User, error) {
	wrong := h.challenge("the user or the password is wrong", "")
	request := http.Request{Header: http.Header{"Authorization": {"Basic " + parameter}}}
	name, password, ok := request.BasicAuth()
	if !ok {
		return User{}, h.guard.wrong(bucketOfRequest(r), wrong)
	}
	credentials := h.creds.digest(header)
	if h.guard.isFriend(credentials) && h.creds.remembers(name, password) {
		return User{Name: name}, nil
	}
	if len(password) > maxPassword && h.creds.hashes() {
		wrong = h.challenge(fmt.Sprintf(
			"the user or the password is wrong; a password that is stored as a hash has at most %d bytes", maxPassword), "")
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.limits.part(maxHashPatience))
	defer cancel()
	defer yieldConnection(r)()
	attempt, err := h.guard.begin(ctx, bucketOfRequest(r))
	if err != nil {
		return User{}, err
	}
	defer attempt.end()
	right, err := h.creds.verifyPassword(name, password, func() (func(), error) { return attempt.hash(ctx) })
	switch {
	case err != nil:
		return User{}, err
	case !right:
		return User{}, attempt.wrong(wrong)
	}
	h.guard.befriend(credentials)
	return User{Name: name}, nil
}

// verifyBearer returns the user of a token. That takes so little that no token
// waits; a wrong one counts as a failure of its address, one that has expired
// does not.
func (h *Handler) verifyBearer(r *http.Request, token string) (User, error) {
	user, err := h.creds.verifyToken(token)
	if err == nil {
		return user, nil
	}
	answer := h.challenge(err.Error(), "invalid_token")
	if errors.Is(err, errTokenInvalid) {
		answer = h.guard.wrong(bucketOfRequest(r), answer)
	}
	return User{}, answer
}

// challenge returns a 401 that offers both schemes (RFC 7617, section 2). For a
// bad token it says so to the program that sent it (RFC 6750, section 3).
func (h *Handler) challenge(details, bearerError string) *Failure {
	bearer := fmt.Sprintf("Bearer realm=%q", h.api.Name)
	if bearerError != "" {
		bearer += fmt.Sprintf(", error=%q, error_description=%q", bearerError, details)
	}
	return &Failure{
		Status:  http.StatusUnauthorized,
		Reason:  ReasonUnauthorized,
		Details: details,
		Header: http.Header{"Www-Authenticate": {
			fmt.Sprintf("Basic realm=%q, charset=\"UTF-8\"", h.api.Name),
			bearer,
		}},
	}
}

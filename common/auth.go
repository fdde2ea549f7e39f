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
		if h.creds.Open() || h.isOpen(r) {
			next.ServeHTTP(w, r)
			return
		}
		user, err := h.identify(r)
		if err != nil {
			failure := h.failureOf(err)
			h.metrics.refused(r, failure.Status)
			h.fail(w, r, failure)
			return
		}
		rec := recordOf(r)
		rec.user, rec.tokenID = user.Name, user.TokenID
		next.ServeHTTP(w, r.WithContext(withUser(r.Context(), user)))
	})
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
	verify := h.verifyBasic
	switch strings.ToLower(scheme) {
	case "basic":
	case "bearer":
		verify = h.verifyBearer
	default:
		return User{}, h.challenge("the only ways to authenticate are Basic and Bearer", "")
	}
	ctx := r.Context()
	attempt, err := h.guard.begin(ctx, bucketOf(ctx, recordOf(r).remote), h.creds.digest(headers[0]))
	if err != nil {
		return User{}, err
	}
	defer attempt.end()
	user, err := verify(ctx, parameter)
	var guess *wrongGuess
	switch {
	case err == nil:
		attempt.right()
	case errors.As(err, &guess):
		err = attempt.wrong(guess.answer)
	}
	return user, err
}

// wrongGuess is the error for credentials that somebody may have made up. A
// token that has expired, for example, is none.
type wrongGuess struct{ answer *Failure }

func (g *wrongGuess) Error() string { return g.answer.Error() }

// verifyBasic returns the user of the parameter of the Basic scheme.
func (h *Handler) verifyBasic(ctx context.Context, parameter string) (User, error) {
	request := http.Request{Header: http.Header{"Authorization": {"Basic " + parameter}}}
	name, password, ok := request.BasicAuth()
	if ok {
		var err error
		if ok, err = h.creds.verifyPassword(ctx, name, password); err != nil {
			return User{}, err
		}
	}
	if !ok {
		return User{}, &wrongGuess{h.challenge("the user or the password is wrong", "")}
	}
	return User{Name: name}, nil
}

// verifyBearer returns the user of a token.
func (h *Handler) verifyBearer(_ context.Context, token string) (User, error) {
	user, err := h.creds.verifyToken(token)
	if err == nil {
		return user, nil
	}
	answer := h.challenge(err.Error(), "invalid_token")
	if errors.Is(err, errTokenInvalid) {
		return User{}, &wrongGuess{answer}
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

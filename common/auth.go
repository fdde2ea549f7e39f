package common

import (
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
		user, failure := h.identify(r.Header.Values("Authorization"))
		if failure != nil {
			h.fail(w, r, failure)
			return
		}
		recordOf(r).user = user.Name
		next.ServeHTTP(w, r.WithContext(withUser(r.Context(), user)))
	})
}

// identify returns who sent these Authorization headers (RFC 7235, section
// 4.2), or a failure that carries its challenges.
func (h *Handler) identify(headers []string) (User, *Failure) {
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
		request := http.Request{Header: http.Header{"Authorization": {"Basic " + parameter}}}
		name, password, ok := request.BasicAuth()
		if !ok || !h.creds.verifyPassword(name, password) {
			return User{}, h.challenge("the user or the password is wrong", "")
		}
		return User{Name: name}, nil
	case "bearer":
		user, err := h.creds.verifyToken(parameter)
		if err != nil {
			return User{}, h.challenge(err.Error(), "invalid_token")
		}
		return user, nil
	}
	return User{}, h.challenge("the only ways to authenticate are Basic and Bearer", "")
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

package common

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxTokenRequest is how many bytes the body of POST /token may have.
const maxTokenRequest = 4096

type tokenResponse struct {
	Token string `json:"token"`
}

// postToken issues a token to the user that sent the request. The body is
// empty or {"expires_in":"720h"}.
func (h *Handler) postToken(r *http.Request) (any, error) {
	user, ok := UserFrom(r.Context())
	if !ok {
		return nil, forbidden("there is no user to issue a token for: no credentials are configured here")
	}
	expiresIn, err := parseTokenRequest(r.Body)
	if err != nil {
		return nil, err
	}
	expires, err := expiry(h.creds.now(), expiresIn)
	if err != nil {
		return nil, badRequest("expires_in: %v", err)
	}
	if err := mayIssue(user, expires); err != nil {
		return nil, err
	}
	token, known, err := h.creds.issue(user.Name, expires)
	switch {
	case err != nil:
		return nil, err
	case !known: // removed since the request was authenticated
		return nil, h.challenge("the user is not known any more", "")
	}
	return tokenResponse{token}, nil
}

// mayIssue keeps a stolen token from living for ever: a token begets only
// tokens that end, and not later than itself.
func mayIssue(user User, expires time.Time) error {
	switch {
	case !user.bearer:
		return nil
	case expires.IsZero():
		return forbidden("a bearer token can only issue tokens that end: give expires_in, or use Basic authentication")
	case !user.expires.IsZero() && expires.After(user.expires):
		return forbidden("expires_in: the new token would outlive the bearer token, which ends at " +
			user.expires.UTC().Format(time.RFC3339))
	}
	return nil
}

// parseTokenRequest returns how long the wanted token lives, 0 for ever.
func parseTokenRequest(body io.Reader) (time.Duration, error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxTokenRequest+1))
	if err != nil {
		return 0, &Failure{Status: http.StatusBadRequest, Reason: ReasonBadRequest,
			Details: "the body could not be read", Cause: err}
	}
	if len(raw) > maxTokenRequest {
		return 0, &Failure{Status: http.StatusRequestEntityTooLarge, Reason: ReasonTooLarge,
			Details: fmt.Sprintf("the body is larger than %d bytes", maxTokenRequest)}
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return 0, nil
	}
	text, err := decodeTokenRequest(raw)
	if text == nil || err != nil {
		return 0, err
	}
	expiresIn, err := time.ParseDuration(*text)
	switch {
	case err != nil:
		return 0, badRequest("expires_in: %q is not a duration such as \"720h\"", *text)
	case expiresIn < time.Second:
		return 0, badRequest("expires_in: must be at least 1s")
	}
	return expiresIn, nil
}

// decodeTokenRequest returns expires_in, nil when it is absent. It is strict,
// because a mistyped key would otherwise issue a token without an end.
func decodeTokenRequest(raw []byte) (*string, error) {
	var request struct {
		ExpiresIn *string `json:"expires_in"`
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&request)
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return nil, badRequest("%s: must be a string such as \"720h\"", wrongType.Field)
	case errors.As(err, &wrongType):
		return nil, badRequest("body: must be an object")
	case err != nil:
		return nil, badRequest("body: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, badRequest("body: something follows the JSON document")
	}
	return request.ExpiresIn, nil
}

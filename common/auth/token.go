package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxTokenRequest is how many bytes the body of POST /token may have.
const maxTokenRequest = 4096

// IssueToken issues a token to the user of an authenticated request, whose body
// is empty or {"expires_in":"720h"}. The error is a *Refusal, or unexpected.
func (a *Authenticator) IssueToken(r *http.Request) (string, error) {
	user, ok := UserFrom(r.Context())
	if !ok {
		return "", refuse(http.StatusForbidden, "there is no user to issue a token for: no credentials are configured here")
	}
	expiresIn, err := parseTokenRequest(r.Body)
	if err != nil {
		return "", err
	}
	expires, err := expiry(a.creds.now(), expiresIn)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "expires_in: %v", err)
	}
	if err := mayIssue(user, expires); err != nil {
		return "", err
	}
	token, known, err := a.creds.issue(user.Name, expires)
	switch {
	case err != nil:
		return "", err
	case !known: // removed since the request was authenticated
		return "", a.challenge("the user is not known any more", "")
	}
	return token, nil
}

// mayIssue keeps a stolen token from living for ever: a token begets only
// tokens that end, and not later than itself.
func mayIssue(user User, expires time.Time) error {
	switch {
	case !user.bearer:
		return nil
	case expires.IsZero():
		return refuse(http.StatusForbidden, "a bearer token can only issue tokens that end: give expires_in, or use Basic authentication")
	case !user.expires.IsZero() && expires.After(user.expires):
		return refuse(http.StatusForbidden, "expires_in: the new token would outlive the bearer token, which ends at %s",
			user.expires.UTC().Format(time.RFC3339))
	}
	return nil
}

// parseTokenRequest returns how long the wanted token lives, 0 for ever.
func parseTokenRequest(body io.Reader) (time.Duration, error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxTokenRequest+1))
	if err != nil {
		return 0, &Refusal{Status: http.StatusBadRequest, Details: "the body could not be read", Cause: err}
	}
	if len(raw) > maxTokenRequest {
		return 0, refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", maxTokenRequest)
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
		return 0, refuse(http.StatusBadRequest, "expires_in: %q is not a duration such as \"720h\"", *text)
	case expiresIn < time.Second:
		return 0, refuse(http.StatusBadRequest, "expires_in: must be at least 1s")
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
		return nil, refuse(http.StatusBadRequest, "%s: must be a string such as \"720h\"", wrongType.Field)
	case errors.As(err, &wrongType):
		return nil, refuse(http.StatusBadRequest, "body: must be an object")
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "body: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse(http.StatusBadRequest, "body: something follows the JSON document")
	}
	return request.ExpiresIn, nil
}

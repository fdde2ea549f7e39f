package auth

import (
	"fmt"
	"net/http"
)

// Refusal is why a request is not let in, with the response that says so.
type Refusal struct {
	// Status is the HTTP status: 400, 401, 403, 413, 429 or 503.
	Status int
	// Details is for the client. It never holds a secret.
	Details string
	// Header has extra response headers (WWW-Authenticate, Retry-After,
	// Connection), or is nil.
	Header http.Header
	// Cause is for the log only.
	Cause error
}

// Error returns the status, the details and the cause, for logs.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("%d %s", r.Status, r.Details)
	if r.Cause != nil {
		text += ": " + r.Cause.Error()
	}
	return text
}

// Unwrap returns the cause, or nil.
func (r *Refusal) Unwrap() error { return r.Cause }

func refuse(status int, format string, args ...any) *Refusal {
	return &Refusal{Status: status, Details: fmt.Sprintf(format, args...)}
}

package common

import (
	"fmt"
	"net/http"
)

// Failure is an error that knows its response. Status, Reason, Details and
// Header are for the client, Cause is for the log only.
type Failure struct {
	// Status is the HTTP status, 400 to 599.
	Status int
	// Reason is a constant word for programs, in upper snake case.
	Reason string
	// Details is for people. It names the parameter that is wrong.
	Details string
	// Header has extra response headers (Retry-After, Allow,
	// WWW-Authenticate), or is nil.
	Header http.Header
	// Cause is what happened, for the log. It is never sent.
	Cause error
}

// Error returns the public half and the cause, for logs.
func (f *Failure) Error() string {
	text := fmt.Sprintf("%d %s: %s", f.Status, f.Reason, f.Details)
	if f.Cause != nil {
		text += ": " + f.Cause.Error()
	}
	return text
}

// Unwrap returns the cause, or nil.
func (f *Failure) Unwrap() error { return f.Cause }

// The reasons of failures that this layer finds by itself.
const (
	ReasonBadRequest       = "BAD_REQUEST"
	ReasonUnauthorized     = "UNAUTHORIZED"
	ReasonForbidden        = "FORBIDDEN"
	ReasonNotFound         = "NOT_FOUND"
	ReasonMethodNotAllowed = "METHOD_NOT_ALLOWED"
	ReasonTooLarge         = "TOO_LARGE"
	ReasonTooManyRequests  = "TOO_MANY_REQUESTS"
	ReasonUnavailable      = "UNAVAILABLE"
	ReasonInternal         = "INTERNAL_SERVER_ERROR"
)

func badRequest(format string, args ...any) *Failure {
	return &Failure{Status: http.StatusBadRequest, Reason: ReasonBadRequest, Details: fmt.Sprintf(format, args...)}
}

func forbidden(details string) *Failure {
	return &Failure{Status: http.StatusForbidden, Reason: ReasonForbidden, Details: details}
}

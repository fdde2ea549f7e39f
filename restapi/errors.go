package restapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/ipfs-cluster/pinsvc/common"
)

// kind says what went wrong in the terms of the API.
type kind int

const (
	kindInternal    kind = iota // our mistake; details stay in the log
	kindInvalid                 // the request is wrong
	kindNotFound                // what it is about does not exist
	kindReadOnly                // the peer follows a cluster that it may not write to
	kindTooLarge                // the pin is over a limit
	kindUnavailable             // the cluster cannot do it now
)

// failures is the one place that turns kinds into responses. This API has no
// word for the reason: its clients read the status.
var failures = map[kind]struct {
	status int
	reason string
}{
	kindInternal:    {http.StatusInternalServerError, common.ReasonInternal},
	kindInvalid:     {http.StatusBadRequest, common.ReasonBadRequest},
	kindNotFound:    {http.StatusNotFound, common.ReasonNotFound},
	kindReadOnly:    {http.StatusForbidden, common.ReasonForbidden},
	kindTooLarge:    {http.StatusRequestEntityTooLarge, common.ReasonTooLarge},
	kindUnavailable: {http.StatusServiceUnavailable, common.ReasonUnavailable},
}

// retryAfter is what a 503 suggests, in seconds.
const retryAfter = "5"

// Error is an error of this API: details are for the client, cause is not.
type Error struct {
	kind    kind
	details string
	cause   error
}

// Error returns the public part and the cause, for logs.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.details
	}
	return e.details + ": " + e.cause.Error()
}

// Unwrap returns the private part, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is(err, ErrNotFound) true for every error of that kind.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.kind == e.kind
}

// Errors that an implementation of Cluster returns, as they are or wrapped.
var (
	// ErrNotFound: the CID is not in the pinset.
	ErrNotFound = &Error{kind: kindNotFound, details: "pin is not part of the pinset"}
	// ErrReadOnly: this peer is in follower mode.
	ErrReadOnly = &Error{kind: kindReadOnly, details: "this peer follows the cluster and does not accept writes"}
	// ErrTooLarge: the pin would not fit into the cluster's state.
	ErrTooLarge = &Error{kind: kindTooLarge, details: "the pin is larger than 1 MiB with its name, metadata and origins"}
)

// Unavailable returns an error that says what the cluster cannot do now, and,
// for the log, why.
func Unavailable(details string, cause error) error {
	return &Error{kind: kindUnavailable, details: details, cause: cause}
}

// Invalid returns an error about one part of the request.
func Invalid(part, format string, args ...any) error {
	return &Error{kind: kindInvalid, details: part + ": " + fmt.Sprintf(format, args...)}
}

// failure maps any error to the response's status and details. An error that is
// not of this API becomes a 500 without details of its own.
func failure(err error) *common.Failure {
	var f *common.Failure
	if errors.As(err, &f) {
		return f
	}
	var e *Error
	switch {
	case errors.As(err, &e):
	case errors.Is(err, context.DeadlineExceeded):
		e = &Error{kind: kindUnavailable, details: "the cluster did not answer in time", cause: err}
	case errors.Is(err, context.Canceled):
		e = &Error{kind: kindUnavailable, details: "the request was given up", cause: err}
	default:
		e = &Error{kind: kindInternal, details: "unexpected error: see the log of the peer", cause: err}
	}
	line := failures[e.kind]
	f = &common.Failure{Status: line.status, Reason: line.reason, Details: e.details, Cause: e.cause}
	if e.kind == kindUnavailable {
		f.Header = http.Header{"Retry-After": {retryAfter}}
	}
	return f
}

// failureBody is the wire form of a failure: the library's api.Error.
func failureBody(f *common.Failure) any {
	return struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{f.Status, f.Details}
}

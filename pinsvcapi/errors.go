package pinsvcapi

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
	kindNotFound                // no pin with that request ID
	kindReadOnly                // the peer follows a cluster that it may not write to
	kindTooLarge                // the body or the pin is over a limit
	kindUnavailable             // the cluster cannot do it now
	kindDiskFull                // the disk of this peer is full
)

// failures is the one place that turns kinds into responses.
var failures = map[kind]struct {
	status int
	reason string
}{
	kindInternal:    {http.StatusInternalServerError, "INTERNAL_SERVER_ERROR"},
	kindInvalid:     {http.StatusBadRequest, "BAD_REQUEST"},
	kindNotFound:    {http.StatusNotFound, "NOT_FOUND"},
	kindReadOnly:    {http.StatusForbidden, "READ_ONLY"},
	kindTooLarge:    {http.StatusRequestEntityTooLarge, "TOO_LARGE"},
	kindUnavailable: {http.StatusServiceUnavailable, "UNAVAILABLE"},
	kindDiskFull:    {http.StatusServiceUnavailable, "DISK_FULL"},
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
	// ErrNotFound: the CID is not in the pinset, or is not a pin that the
	// API shows.
	ErrNotFound = &Error{kind: kindNotFound, details: "there is no pin with this requestid"}
	// ErrReadOnly: this peer is in follower mode.
	ErrReadOnly = &Error{kind: kindReadOnly, details: "this peer follows the cluster and does not accept writes"}
	// ErrTooLarge: the pin would not fit into the cluster's state.
	ErrTooLarge = &Error{kind: kindTooLarge, details: "the pin is larger than 1 MiB with its name, meta and origins"}
)

// Unavailable returns an error that says what the cluster cannot do now, and,
// for the log, why.
func Unavailable(details string, cause error) error {
	return &Error{kind: kindUnavailable, details: details, cause: cause}
}

// diskFull begins the details of every error of DiskFull. They cross RPC as they
// are.
const diskFull = "the disk is full: "

// DiskFull returns an error that says which disk has too little space for a
// write, and what to do.
func DiskFull(details string) error {
	return &Error{kind: kindDiskFull, details: diskFull + details}
}

// invalid returns an error about one parameter of the request.
func invalid(param, format string, args ...any) error {
	return &Error{kind: kindInvalid, details: param + ": " + fmt.Sprintf(format, args...)}
}

// unknownID returns the error of a request ID that cannot be a pin's.
func unknownID(text string) error {
	return &Error{kind: kindNotFound, details: "there is no pin with the requestid " + quote(text) + ", which is not a CID"}
}

// failure maps any error to the response's status, reason and details. An
// error that is not of this API becomes a 500 without details of its own.
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
	default:
		e = &Error{kind: kindInternal, details: "unexpected error", cause: err}
	}
	line := failures[e.kind]
	f = &common.Failure{Status: line.status, Reason: line.reason, Details: e.details, Cause: e.cause}
	if line.status == http.StatusServiceUnavailable {
		f.Header = http.Header{"Retry-After": {retryAfter}}
	}
	return f
}

// failureBody is the wire form of a failure (spec, schema Failure).
func failureBody(f *common.Failure) any {
	type detail struct {
		Reason  string `json:"reason"`
		Details string `json:"details,omitempty"`
	}
	return struct {
		Error detail `json:"error"`
	}{detail{f.Reason, f.Details}}
}

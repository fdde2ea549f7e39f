package pinsvcapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// failures is the one place that turns kinds into responses.
var failures = map[pinset.Kind]struct {
	status int
	reason string
}{
	pinset.KindInternal:    {http.StatusInternalServerError, "INTERNAL_SERVER_ERROR"},
	pinset.KindInvalid:     {http.StatusBadRequest, "BAD_REQUEST"},
	pinset.KindNotFound:    {http.StatusNotFound, "NOT_FOUND"},
	pinset.KindReadOnly:    {http.StatusForbidden, "READ_ONLY"},
	pinset.KindTooLarge:    {http.StatusRequestEntityTooLarge, "TOO_LARGE"},
	pinset.KindUnavailable: {http.StatusServiceUnavailable, "UNAVAILABLE"},
	pinset.KindDiskFull:    {http.StatusServiceUnavailable, "DISK_FULL"},
}

// retryAfter is what a 503 suggests, in seconds.
const retryAfter = "5"

// invalid returns an error about one parameter of the request.
func invalid(param, format string, args ...any) error {
	return &pinset.Error{Kind: pinset.KindInvalid, Details: param + ": " + fmt.Sprintf(format, args...)}
}

// unknownID returns the error of a request ID that cannot be a pin's.
func unknownID(text string) error {
	return &pinset.Error{Kind: pinset.KindNotFound, Details: "there is no pin with the requestid " + quote(text) + ", which is not a CID"}
}

// failure maps any error to the response's status, reason and details. An
// error that is not of this API becomes a 500 without details of its own.
func failure(err error) *common.Failure {
	var f *common.Failure
	if errors.As(err, &f) {
		return f
	}
	var e *pinset.Error
	switch {
	case errors.As(err, &e):
	case errors.Is(err, context.DeadlineExceeded):
		e = &pinset.Error{Kind: pinset.KindUnavailable, Details: "the cluster did not answer in time", Cause: err}
	default:
		e = &pinset.Error{Kind: pinset.KindInternal, Details: "unexpected error", Cause: err}
	}
	line := failures[e.Kind]
	f = &common.Failure{Status: line.status, Reason: line.reason, Details: e.Details, Cause: e.Cause}
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

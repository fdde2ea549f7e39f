// Package failures maps the errors of package pinset to HTTP responses. Both APIs use
// its one table; they differ in the text and in the form of the body.
package failures

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Response is the part of a response that the kind of an error determines.
type Response struct {
	Status int
	Reason string // for programs, in upper snake case; the Pinning Service API sends it
}

// responses has an entry for every kind.
var responses = map[pinset.Kind]Response{
	pinset.KindInternal:    {http.StatusInternalServerError, common.ReasonInternal},
	pinset.KindInvalid:     {http.StatusBadRequest, common.ReasonBadRequest},
	pinset.KindNotFound:    {http.StatusNotFound, common.ReasonNotFound},
	pinset.KindReadOnly:    {http.StatusForbidden, "READ_ONLY"},
	pinset.KindTooLarge:    {http.StatusRequestEntityTooLarge, common.ReasonTooLarge},
	pinset.KindUnavailable: {http.StatusServiceUnavailable, common.ReasonUnavailable},
	pinset.KindDiskFull:    {http.StatusServiceUnavailable, "DISK_FULL"},
}

// Responses returns the table, for the documentation of an API.
func Responses() map[pinset.Kind]Response { return maps.Clone(responses) }

// Of maps any error to a response; text chooses the public text. A *common.Failure is
// returned as it is. An unknown error becomes a 500 with a fixed text.
func Of(err error, text func(*pinset.Error) string) *common.Failure {
	var f *common.Failure
	if errors.As(err, &f) {
		return f
	}
	e := known(err)
	response := responses[e.Kind]
	f = &common.Failure{Status: response.Status, Reason: response.Reason, Details: text(e), Cause: e.Cause}
	if f.Status == http.StatusServiceUnavailable {
		f.Header = http.Header{"Retry-After": {auth.RetryAfter}}
	}
	return f
}

// known returns err as an *pinset.Error. A context that has ended is unavailability, not a
// bug; whatever else is not known is one.
func known(err error) *pinset.Error {
	var e *pinset.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		if errors.As(pinset.Translate(err), &e) {
			return e
		}
	}
	unknown := *pinset.ErrInternal
	unknown.Cause = err
	return &unknown
}

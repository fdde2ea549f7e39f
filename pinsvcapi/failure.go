package pinsvcapi

import (
	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/internal/failures"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// unknownID returns the error for a request ID that is not a CID.
func unknownID(text string) error {
	return pinset.NotFound("there is no pin with the requestid " + quote(text) + ", which is not a CID")
}

// failure maps any error to a response.
func failure(err error) *common.Failure {
	return failures.Of(err, func(e *pinset.Error) string { return e.Details })
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

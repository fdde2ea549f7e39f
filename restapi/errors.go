package restapi

import (
	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/internal/failures"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// failure maps any error to a response, in the library's own words where there are
// some.
func failure(err error) *common.Failure {
	return failures.Of(err, (*pinset.Error).NativeText)
}

// failureBody is the wire form of a failure: the library's api.Error.
func failureBody(f *common.Failure) any {
	return struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{f.Status, f.Details}
}

package pinsvcapi_test

import (
	"testing"

	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
	"github.com/ipfs-cluster/pinsvc/pinsvcapi/view"
)

// The lists of a view are the same as those of a scan.
func TestListBehindAViewIsTheReference(t *testing.T) {
	pinsvcapi.CheckListsBehind(t, func() (func(pinsvcapi.Source) pinsvcapi.Cluster, func(), func()) {
		v := view.New(view.Options{})
		ready := make(chan struct{})
		start := func() {
			v.Start(ready)
			close(ready)
			<-v.Complete()
		}
		return v.Before, start, v.Close
	})
}

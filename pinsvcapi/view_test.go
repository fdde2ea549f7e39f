package pinsvcapi_test

import (
	"testing"

	"github.com/ipfs-cluster/pinsvc/pinset"
	"github.com/ipfs-cluster/pinsvc/pinset/view"
	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
)

// The lists of a view are the same as those of a scan.
func TestListBehindAViewIsTheReference(t *testing.T) {
	pinsvcapi.CheckListsBehind(t, func() (func(pinset.Source) pinset.Cluster, func(), func()) {
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

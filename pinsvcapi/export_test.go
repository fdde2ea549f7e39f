package pinsvcapi

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// What tests of other packages in this folder need.

// CheckListsBehind holds lists of a Cluster that stands before the adapter
// against the reference. newCluster returns how it is put there, what to do
// when the pinset is complete, and at the end.
func CheckListsBehind(t *testing.T, newCluster func() (before func(pinset.Source) pinset.Cluster, start, end func())) {
	f := newRPCFake(t, 3)
	rapid.Check(t, func(t *rapid.T) {
		f.reset(t)
		before, start, end := newCluster()
		defer end()
		a := f.newAPIBehind(t, before)
		pins := drawRPCPinset(t, f, a)
		start()
		for range 3 {
			q := drawQuery(t, pins)
			checkPage(t, a, pins, q, q.render(t))
			checkWalk(t, a, pins, q)
		}
	})
}

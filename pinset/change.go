package pinset

import "github.com/ipfs-cluster/ipfs-cluster/api"

// Change is the effect of a commit on one CID of the cluster's state.
type Change struct {
	CID     api.Cid
	Pin     api.Pin // what the state has after the commit, not defined when the CID was removed
	Existed bool    // whether the state had a pin of the CID before
}

// Removed reports whether the state has no pin of the CID any more.
func (c Change) Removed() bool { return !c.Pin.Defined() }

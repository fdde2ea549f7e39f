package view

import (
	"context"
	"errors"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Observe takes a change of the state. Every change has to come, after its commit;
// those of one CID in the order of their commits.
func (v *View) Observe(change pinset.Change) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.apply(change.CID.KeyString(), change.Pin)
}

// apply makes the index have what the state has for a CID. The caller holds mu.
func (v *View) apply(key string, stored api.Pin) {
	if !stored.Defined() {
		v.drop(key)
		return
	}
	v.set(stored)
}

// stored returns what the state has for a CID, not defined when it has nothing.
func (v *View) stored(ctx context.Context, c cid.Cid) (api.Pin, error) {
	stored, err := v.Stored(ctx, c)
	if errors.Is(err, pinset.ErrNotFound) {
		return api.Pin{}, nil
	}
	return stored, err
}

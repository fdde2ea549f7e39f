package view

import (
	"context"
	"errors"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Observe applies a change of the state. It must be called for every change, after the
// commit; changes of one CID in commit order.
func (v *View) Observe(change pinset.Change) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.apply(change.CID.KeyString(), change.Pin)
}

// apply sets the index to the state's value of a CID. It is idempotent, so that a change
// which a scan has seen already does no harm. The caller holds mu.
func (v *View) apply(key string, stored api.Pin) {
	if !stored.Defined() {
		v.drop(key)
		return
	}
	v.set(stored)
}

// stored returns the state's value of a CID, an undefined pin when there is none.
func (v *View) stored(ctx context.Context, c cid.Cid) (api.Pin, error) {
	stored, err := v.Stored(ctx, c)
	if errors.Is(err, pinset.ErrNotFound) {
		return api.Pin{}, nil
	}
	return stored, err
}

package pinset

import (
	"context"
	"errors"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
)

// Stored returns the pin of a CID in a state; it is not defined when there is none.
func Stored(ctx context.Context, st state.ReadOnly, c api.Cid) (api.Pin, error) {
	pin, err := st.Get(ctx, c)
	if errors.Is(err, state.ErrNotFound) {
		return api.Pin{}, nil
	}
	return pin, err
}

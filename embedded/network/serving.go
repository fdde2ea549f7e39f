package network

import (
	"context"

	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/go-cid"
)

// serving adapts the store to bitswap's server. The server takes a size of zero for
// "has it, cannot send it", which would make empty files unfetchable.
type serving struct{ blockstore.Blockstore }

// GetSize returns at least 1 for a block that exists.
func (s serving) GetSize(ctx context.Context, c cid.Cid) (int, error) {
	size, err := s.Blockstore.GetSize(ctx, c)
	if err != nil {
		return size, err
	}
	return max(size, 1), nil
}

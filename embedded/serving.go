package embedded

import (
	"context"

	"github.com/ipfs/go-cid"
)

// serving is the store as bitswap's server sees it. That server takes a size of
// zero for "has it, cannot send it", so that nobody could fetch an empty file.
type serving struct{ *store }

// GetSize never says zero.
func (s serving) GetSize(ctx context.Context, c cid.Cid) (int, error) {
	size, err := s.store.GetSize(ctx, c)
	if err != nil {
		return size, err
	}
	return max(size, 1), nil
}

package pinsvcapi

import (
	"context"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
)

// The methods of pinset.Source that a view is built with. Those of pinset.Cluster are in
// the other files.

// Stored implements Source.
func (r *rpcCluster) Stored(ctx context.Context, c cid.Cid) (api.Pin, error) {
	return r.calls.pinGet(ctx, api.NewCid(c))
}

// Scan implements Source.
func (r *rpcCluster) Scan(ctx context.Context, fn func(api.Pin)) error {
	return r.calls.pins(ctx, fn)
}

// Members implements Source.
func (r *rpcCluster) Members(ctx context.Context) ([]string, error) {
	return r.members(ctx)
}

package pinset

import (
	"context"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
)

// Source is a Cluster with the methods that a view of the pinset is built with. Its
// Select scans the pinset.
type Source interface {
	Cluster
	// Stored returns the entry of the local state for a CID, or ErrNotFound. It may
	// be one that the API does not show: see Shown.
	Stored(ctx context.Context, c cid.Cid) (api.Pin, error)
	// Scan calls fn for every entry of the local state, in no order.
	Scan(ctx context.Context, fn func(api.Pin)) error
	// Members returns the peer IDs of the cluster's members.
	Members(ctx context.Context) ([]string, error)
	// Unpinned queries a peer for its list of unpinned pins.
	Unpinned(ctx context.Context, peer string) (Unpinned, error)
}

// Shown reports whether the API shows an entry of the state. It hides the inner parts
// of sharded adds.
func Shown(p api.Pin) bool {
	return p.Type == api.DataType || p.Type == api.MetaType
}

package pinset

import (
	"context"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
)

// Source is the Cluster behind a peer's RPC, with what a view of the pinset
// needs besides. Its Select scans the pinset.
type Source interface {
	Cluster
	// Stored returns what the local state has for a CID, or ErrNotFound. It
	// may be an entry that the API does not show: see Shown.
	Stored(ctx context.Context, c cid.Cid) (api.Pin, error)
	// Scan calls fn for every entry of the local state, in no order.
	Scan(ctx context.Context, fn func(api.Pin)) error
	// Members returns the peer IDs of the cluster's members.
	Members(ctx context.Context) ([]string, error)
	// Unpinned asks a peer for what it has not pinned, until the context
	// ends.
	Unpinned(ctx context.Context, peer string) (Unpinned, error)
}

// Shown tells whether the API shows an entry of the state: not the inner parts
// of sharded adds.
func Shown(p api.Pin) bool {
	return p.Type == api.DataType || p.Type == api.MetaType
}

package restapi

import (
	"context"
	"iter"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/files"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Cluster is what the API needs of the cluster. Its errors are those of package pinset;
// any other is a bug and becomes a 500. A sequence may have several errors, and values
// after them; it stops when its context ends.
type Cluster interface {
	members
	pinning
	health
	// Add stores an upload in the cluster's IPFS nodes and pins its root. It yields
	// what it has added, a directory after its content.
	Add(ctx context.Context, content files.Directory, params api.AddParams) iter.Seq2[api.AddedOutput, error]
}

// Scope selects the peers of a query.
type Scope bool

const (
	// Everywhere queries every peer of the cluster.
	Everywhere Scope = false
	// Local queries only the peer of the API.
	Local Scope = true
)

// members is the part of Cluster about peers.
type members interface {
	ID(context.Context) (api.ID, error)
	Version(context.Context) (api.Version, error)
	Peers(context.Context) iter.Seq2[api.ID, error]
	PeerAdd(context.Context, peer.ID) (api.ID, error)
	PeerRemove(context.Context, peer.ID) error
}

// pinning is the part of Cluster about pins and their statuses.
type pinning interface {
	Pin(context.Context, api.Pin) (api.Pin, error)
	// Resolve returns the CID of an IPFS path.
	Resolve(ctx context.Context, path string) (api.Cid, error)
	// Unpin returns the pin as it was.
	Unpin(context.Context, api.Cid) (api.Pin, error)
	// Allocation returns an entry of the pinset, or pinset.ErrNotFound.
	Allocation(context.Context, api.Cid) (api.Pin, error)
	Allocations(context.Context) iter.Seq2[api.Pin, error]
	// Status returns "unpinned" for a CID that is not in the pinset.
	Status(context.Context, api.Cid, Scope) (api.GlobalPinInfo, error)
	// StatusAt returns the status at one peer, within a second.
	StatusAt(context.Context, api.Cid, peer.ID) (api.PinInfo, error)
	// StatusAll lists the CIDs that have a status of the filter somewhere;
	// 0 is any.
	StatusAll(context.Context, api.TrackerStatus, Scope) iter.Seq2[api.GlobalPinInfo, error]
	Recover(context.Context, api.Cid, Scope) (api.GlobalPinInfo, error)
	RecoverAll(context.Context, Scope) iter.Seq2[api.GlobalPinInfo, error]
}

// health is the part of Cluster about the state of peers and their IPFS nodes.
type health interface {
	ConnectGraph(context.Context) (api.ConnectGraph, error)
	Alerts(context.Context) ([]api.Alert, error)
	Bandwidth(context.Context) (api.BandwidthByProtocol, error)
	MetricNames(context.Context) ([]string, error)
	Metrics(ctx context.Context, name string) ([]api.Metric, error)
	// CollectGarbage may take hours.
	CollectGarbage(context.Context, Scope) (api.GlobalRepoGC, error)
}

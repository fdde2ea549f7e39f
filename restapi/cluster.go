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
	// Add stores an upload in the cluster's IPFS nodes and pins its root,
	// and tells what it has added, a directory after what is in it.
	Add(ctx context.Context, content files.Directory, params api.AddParams) iter.Seq2[api.AddedOutput, error]
}

// Scope says whom a question is for.
type Scope bool

const (
	// Everywhere asks every peer of the cluster.
	Everywhere Scope = false
	// Local asks only the peer that the API belongs to.
	Local Scope = true
)

// members are the peers of a cluster.
type members interface {
	ID(context.Context) (api.ID, error)
	Version(context.Context) (api.Version, error)
	Peers(context.Context) iter.Seq2[api.ID, error]
	PeerAdd(context.Context, peer.ID) (api.ID, error)
	PeerRemove(context.Context, peer.ID) error
}

// pinning is what the cluster pins, and how it is going.
type pinning interface {
	Pin(context.Context, api.Pin) (api.Pin, error)
	// Resolve returns the CID that an IPFS path leads to.
	Resolve(ctx context.Context, path string) (api.Cid, error)
	// Unpin returns the pin as it was.
	Unpin(context.Context, api.Cid) (api.Pin, error)
	// Allocation returns the entry of the pinset, pinset.ErrNotFound without one.
	Allocation(context.Context, api.Cid) (api.Pin, error)
	Allocations(context.Context) iter.Seq2[api.Pin, error]
	// Status is "unpinned" for a CID that is not in the pinset.
	Status(context.Context, api.Cid, Scope) (api.GlobalPinInfo, error)
	// StatusAt is the status that one peer answers with, within a second.
	StatusAt(context.Context, api.Cid, peer.ID) (api.PinInfo, error)
	// StatusAll lists the CIDs that have a status of the filter somewhere;
	// 0 is any.
	StatusAll(context.Context, api.TrackerStatus, Scope) iter.Seq2[api.GlobalPinInfo, error]
	Recover(context.Context, api.Cid, Scope) (api.GlobalPinInfo, error)
	RecoverAll(context.Context, Scope) iter.Seq2[api.GlobalPinInfo, error]
}

// health is how the peers and their IPFS nodes are.
type health interface {
	ConnectGraph(context.Context) (api.ConnectGraph, error)
	Alerts(context.Context) ([]api.Alert, error)
	Bandwidth(context.Context) (api.BandwidthByProtocol, error)
	MetricNames(context.Context) ([]string, error)
	Metrics(ctx context.Context, name string) ([]api.Metric, error)
	// CollectGarbage may take hours.
	CollectGarbage(context.Context, Scope) (api.GlobalRepoGC, error)
}

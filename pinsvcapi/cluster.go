package pinsvcapi

import (
	"context"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/internal/clusterrpc"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// This file is the only one that calls other components. The other cluster_*.go files
// build a Cluster from its calls.

// Timeouts and sizes of calls. A client waits for the sum of those of its request.
const (
	// peerTimeout bounds a query to another peer.
	peerTimeout = time.Second
	// readTimeout bounds a read of this peer's own state.
	readTimeout = 5 * time.Second
	// writeTimeout bounds a write. It is longer than the 10 s that a peer waits for
	// its own state to have the write.
	writeTimeout = 15 * time.Second
	// streamBuffer is how many values of a stream may wait to be read.
	streamBuffer = 1024
)

// unpinnedFilter selects the statuses that a tracker has in memory. It must not contain
// any that makes a tracker list the pins of its IPFS node, which takes seconds.
const unpinnedFilter = api.TrackerStatusPinQueued | api.TrackerStatusPinning | api.TrackerStatusPinError |
	api.TrackerStatusUnpinQueued | api.TrackerStatusUnpinning | api.TrackerStatusUnpinError

// calls makes the component's calls: to its own peer, or by RPC to the peer with a
// given ID.
type calls struct {
	client clusterrpc.Client
	local  LocalPeer // nil: the own peer is called by RPC, too
}

// LocalPeer is the peer of the component, for the calls that every request makes. Its
// results are those of the RPC services.
type LocalPeer interface {
	ID() peer.ID
	// State returns the peer's own view of the pinset (Cluster.PinGet).
	State(context.Context) (state.ReadOnly, error)
	// Peers returns the cluster's members (Consensus.Peers).
	Peers(context.Context) ([]peer.ID, error)
	// Status returns the status of a pin at the peer's tracker (PinTracker.Status).
	// When read is true, pin was just read from the state or written to it, else it
	// has a CID only.
	Status(ctx context.Context, pin api.Pin, read bool) api.PinInfo
}

// WithLocalPeer makes the API call its own peer without RPC, whose overhead is larger
// than the call. The value is used once the API has its client.
func WithLocalPeer(p LocalPeer) Option {
	return func(o *options) { o.local = p }
}

// near returns the local peer, or nil when there is none or it is not set up yet.
func (c *calls) near() LocalPeer {
	if c.client.Load() == nil {
		return nil
	}
	return c.local
}

// SetClient sets the RPC client of the component's peer. Requests are answered with 503 before.
func (a *API) SetClient(client *rpc.Client) {
	a.calls.client.SetClient(client)
}

// pinGet reads the pin of a CID from the local state: pinset.ErrNotFound when there is
// none.
func (c *calls) pinGet(ctx context.Context, ci api.Cid) (pin api.Pin, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if p := c.near(); p != nil {
		st, err := p.State(ctx)
		if err == nil {
			pin, err = st.Get(ctx, ci)
		}
		return pin, pinset.Translate(err)
	}
	return clusterrpc.Call[api.Pin](ctx, &c.client, clusterrpc.Cluster("PinGet"), ci)
}

// pin stores a pin and returns it with its allocations.
func (c *calls) pin(ctx context.Context, pin api.Pin) (api.Pin, error) {
	return clusterrpc.Call[api.Pin](ctx, &c.client, clusterrpc.Cluster("Pin"), pin)
}

// unpin removes the pin of a CID, with all parts of a sharded one.
func (c *calls) unpin(ctx context.Context, ci api.Cid) error {
	_, err := clusterrpc.Call[api.Pin](ctx, &c.client, clusterrpc.Cluster("Unpin"), api.PinCid(ci))
	if err == nil || !pinset.LostClusterDAG(err) {
		return err
	}
	// The library cannot remove the root of a sharded add whose cluster DAG is
	// lost. The consensus can.
	_, err = clusterrpc.Call[struct{}](ctx, &c.client, clusterrpc.Method{Service: "Consensus", Name: "LogUnpin"}, api.PinCid(ci))
	return err
}

// members returns the peers of the cluster, in no order.
func (c *calls) members(ctx context.Context) (peers []peer.ID, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if p := c.near(); p != nil {
		peers, err = p.Peers(ctx)
		return peers, pinset.Translate(err)
	}
	return clusterrpc.Call[[]peer.ID](ctx, &c.client, clusterrpc.Method{Service: "Consensus", Name: "Peers"}, struct{}{})
}

// id returns the ID of a peer, with all addresses of its IPFS node.
func (c *calls) id(ctx context.Context, dest peer.ID) (api.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	return clusterrpc.Call[api.ID](ctx, &c.client, clusterrpc.Method{Peer: dest, Service: "Cluster", Name: "ID"}, struct{}{})
}

// trackerStatus returns the status of a pin at the tracker of a peer, within
// peerTimeout.
func (c *calls) trackerStatus(ctx context.Context, dest peer.ID, p pinset.Pin) (api.PinInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	if near := c.near(); near != nil && near.ID() == dest {
		stored, ok := p.Before.Stored.(api.Pin)
		if !ok {
			stored = api.PinCid(api.NewCid(p.CID))
		}
		return near.Status(ctx, stored, ok), nil
	}
	return clusterrpc.Call[api.PinInfo](ctx, &c.client, clusterrpc.Method{Peer: dest, Service: "PinTracker", Name: "Status"}, api.NewCid(p.CID))
}

// trackerUnpinned returns what a tracker has not pinned. The list is valid, but may
// lack pins, when the error is pinset.ErrNotCompared.
func (c *calls) trackerUnpinned(ctx context.Context, dest peer.ID) ([]api.PinInfo, error) {
	m := clusterrpc.Method{Peer: dest, Service: "PinTracker", Name: "StatusAll", Buffer: streamBuffer}
	var infos []api.PinInfo
	for info, err := range clusterrpc.Stream[api.PinInfo](ctx, &c.client, m, unpinnedFilter) {
		if err != nil {
			return infos, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// pins calls fn for every entry of the local state, in no order.
func (c *calls) pins(ctx context.Context, fn func(api.Pin)) error {
	if p := c.near(); p != nil {
		st, err := p.State(ctx)
		if err != nil {
			return pinset.Translate(err)
		}
		return entries(ctx, st, fn)
	}
	m := clusterrpc.Cluster("Pins")
	m.Buffer = streamBuffer
	for pin, err := range clusterrpc.Stream[api.Pin, struct{}](ctx, &c.client, m) {
		if err != nil {
			return err
		}
		fn(pin)
	}
	return nil
}

// entries calls fn for every entry of a state, until the context ends. The state blocks
// until all of its values have been received, so all are, even after that.
func entries(ctx context.Context, st state.ReadOnly, fn func(api.Pin)) error {
	out := make(chan api.Pin, streamBuffer)
	ended := make(chan error, 1)
	go func() { ended <- st.List(ctx, out) }()
	for p := range out {
		if ctx.Err() == nil {
			fn(p)
		}
	}
	if err := <-ended; err != nil {
		return pinset.Translate(err)
	}
	return ctx.Err()
}

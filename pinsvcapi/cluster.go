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
// make a Cluster out of its calls.

const (
	// peerTimeout bounds a question to another peer.
	peerTimeout = time.Second
	// readTimeout bounds a look into this peer's own state.
	readTimeout = 5 * time.Second
	// writeTimeout bounds a write. A peer gives up waiting for its own state
	// after 10 s.
	writeTimeout = 15 * time.Second
	// streamBuffer is how many values of a stream may wait to be read.
	streamBuffer = 1024
)

// unpinnedFilter asks a tracker for what it holds in memory. It must not
// contain what makes a tracker list its IPFS node's pins.
const unpinnedFilter = api.TrackerStatusPinQueued | api.TrackerStatusPinning | api.TrackerStatusPinError |
	api.TrackerStatusUnpinQueued | api.TrackerStatusUnpinning | api.TrackerStatusUnpinError

// calls are the RPC calls of the component, to its own peer unless a peer ID
// is given.
type calls struct {
	client clusterrpc.Client
	local  LocalPeer // nil: the own peer is asked by RPC, too
}

// LocalPeer is the peer that the component belongs to, for questions that are
// asked with every request. Its answers are those of the RPC services.
type LocalPeer interface {
	ID() peer.ID
	// State returns the peer's own view of the pinset (Cluster.PinGet).
	State(context.Context) (state.ReadOnly, error)
	// Peers returns the cluster's members (Consensus.Peers).
	Peers(context.Context) ([]peer.ID, error)
	// Status returns what the peer's tracker says of a pin (PinTracker.Status).
	// It is the entry of the state that was read a moment ago when read is
	// true, else there is only its CID.
	Status(ctx context.Context, pin api.Pin, read bool) api.PinInfo
}

// WithLocalPeer makes the API ask its own peer without RPC, which costs more
// than what is asked for. The value is used from when the API has its client
// and is ready.
func WithLocalPeer(p LocalPeer) Option {
	return func(o *options) { o.local = p }
}

// near returns the own peer when it is at hand.
func (c *calls) near() LocalPeer {
	if c.client.Load() == nil {
		return nil
	}
	return c.local
}

// SetClient gives the component its peer. Until then it answers 503.
func (a *API) SetClient(client *rpc.Client) {
	a.calls.client.SetClient(client)
}

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

func (c *calls) pin(ctx context.Context, pin api.Pin) (api.Pin, error) {
	return clusterrpc.Call[api.Pin](ctx, &c.client, clusterrpc.Cluster("Pin"), pin)
}

func (c *calls) unpin(ctx context.Context, ci api.Cid) error {
	_, err := clusterrpc.Call[api.Pin](ctx, &c.client, clusterrpc.Cluster("Unpin"), api.PinCid(ci))
	if err == nil || !pinset.LostClusterDAG(err) {
		return err
	}
	// The library does not remove the root of a sharded add whose cluster DAG is
	// lost. Its peer's consensus does.
	_, err = clusterrpc.Call[struct{}](ctx, &c.client, clusterrpc.Method{Service: "Consensus", Name: "LogUnpin"}, api.PinCid(ci))
	return err
}

func (c *calls) members(ctx context.Context) (peers []peer.ID, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if p := c.near(); p != nil {
		peers, err = p.Peers(ctx)
		return peers, pinset.Translate(err)
	}
	return clusterrpc.Call[[]peer.ID](ctx, &c.client, clusterrpc.Method{Service: "Consensus", Name: "Peers"}, struct{}{})
}

func (c *calls) id(ctx context.Context, dest peer.ID) (api.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	return clusterrpc.Call[api.ID](ctx, &c.client, clusterrpc.Method{Peer: dest, Service: "Cluster", Name: "ID"}, struct{}{})
}

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

// trackerUnpinned collects what a tracker has not pinned, until the context
// ends.
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

// entries calls fn for every entry of a state. A state that is listed waits until
// its values are taken, whatever has ended, so that all are.
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

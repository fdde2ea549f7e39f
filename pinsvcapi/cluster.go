package pinsvcapi

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// This file is the only one that knows gorpc and the library's error texts.
// The other cluster_*.go files make a Cluster out of its calls.

const (
	// peerTimeout bounds a question to another peer.
	peerTimeout = time.Second
	// readTimeout bounds a look into this peer's own state.
	readTimeout = 5 * time.Second
	// writeTimeout bounds a write. A peer gives up waiting for its own state
	// after 10 s.
	writeTimeout = 15 * time.Second
)

// unpinnedFilter asks a tracker for what it holds in memory. It must not
// contain what makes a tracker list its IPFS node's pins.
const unpinnedFilter = api.TrackerStatusPinQueued | api.TrackerStatusPinning | api.TrackerStatusPinError |
	api.TrackerStatusUnpinQueued | api.TrackerStatusUnpinning | api.TrackerStatusUnpinError

// calls are the RPC calls of the component, to its own peer unless a peer ID
// is given.
type calls struct {
	client atomic.Pointer[rpc.Client]
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
	a.calls.client.Store(client)
}

// do makes one call and translates its error.
func (c *calls) do(ctx context.Context, dest peer.ID, service, method string, in, out any) error {
	client := c.client.Load()
	if client == nil {
		return pinset.Unavailable("the peer is starting", nil)
	}
	return pinset.Translate(client.CallContext(ctx, dest, service, method, in, out))
}

// call makes one call and returns its reply, or the zero value with an error: a call
// whose context has ended may still write to its reply.
func call[Out any](ctx context.Context, c *calls, dest peer.ID, service, method string, in any) (Out, error) {
	reply := new(Out)
	if err := c.do(ctx, dest, service, method, in, reply); err != nil {
		return *new(Out), err
	}
	return *reply, nil
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
	return call[api.Pin](ctx, c, "", "Cluster", "PinGet", ci)
}

func (c *calls) pin(ctx context.Context, pin api.Pin) (api.Pin, error) {
	return call[api.Pin](ctx, c, "", "Cluster", "Pin", pin)
}

func (c *calls) unpin(ctx context.Context, ci api.Cid) error {
	err := c.do(ctx, "", "Cluster", "Unpin", api.PinCid(ci), &api.Pin{})
	if err == nil || !pinset.LostClusterDAG(err) {
		return err
	}
	// The library does not remove the root of a sharded add whose cluster DAG is
	// lost. Its peer's consensus does.
	return c.do(ctx, "", "Consensus", "LogUnpin", api.PinCid(ci), &struct{}{})
}

func (c *calls) members(ctx context.Context) (peers []peer.ID, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if p := c.near(); p != nil {
		peers, err = p.Peers(ctx)
		return peers, pinset.Translate(err)
	}
	return call[[]peer.ID](ctx, c, "", "Consensus", "Peers", struct{}{})
}

func (c *calls) id(ctx context.Context, dest peer.ID) (api.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	return call[api.ID](ctx, c, dest, "Cluster", "ID", struct{}{})
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
	return call[api.PinInfo](ctx, c, dest, "PinTracker", "Status", api.NewCid(p.CID))
}

// trackerUnpinned collects what a tracker has not pinned, until the context
// ends.
func (c *calls) trackerUnpinned(ctx context.Context, dest peer.ID) ([]api.PinInfo, error) {
	in := make(chan api.TrackerStatus, 1)
	in <- unpinnedFilter
	close(in)
	var infos []api.PinInfo
	err := stream(ctx, c, dest, "PinTracker", "StatusAll", in, func(info api.PinInfo) {
		infos = append(infos, info)
	})
	return infos, err
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
	in := make(chan struct{})
	close(in)
	return stream(ctx, c, "", "Cluster", "Pins", in, fn)
}

// entries calls fn for every entry of a state. A state that is listed waits until
// its values are taken, whatever has ended, so that all are.
func entries(ctx context.Context, st state.ReadOnly, fn func(api.Pin)) error {
	out := make(chan api.Pin, 1024)
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

// stream calls fn for every value of a streaming call and returns the call's
// error, or the context's. A call that fails at once, as those of a peer that is
// being stopped, leaves its channel open.
func stream[In, Out any](ctx context.Context, c *calls, dest peer.ID, service, method string, in chan In, fn func(Out)) error {
	client := c.client.Load()
	if client == nil {
		return pinset.Unavailable("the peer is starting", nil)
	}
	call, cancel := context.WithCancel(ctx)
	defer cancel() // so that nobody waits to send
	out := make(chan Out, 1024)
	ended := make(chan error, 1)
	go func() {
		ended <- client.Stream(call, dest, service, method, in, out)
	}()
	var err error
	for done := false; !done; {
		select {
		case v, open := <-out:
			if open {
				fn(v)
				continue
			}
			if ended != nil {
				err = <-ended
			}
			done = true
		case err = <-ended:
			ended = nil // what it has sent is read, unless it failed
			done = err != nil
		}
	}
	if err != nil {
		return pinset.Translate(err)
	}
	return ctx.Err()
}

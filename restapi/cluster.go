package restapi

import (
	"context"
	"iter"
	"sync/atomic"
	"time"

	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// This file is the only one that knows gorpc.
// The other cluster_*.go files make a Cluster out of its calls.

const (
	// peersTimeout bounds questions to other peers about one CID. A peer that
	// is too late has the status cluster_error.
	peersTimeout = 5 * time.Second
	// peerTimeout bounds a question to one other peer.
	peerTimeout = time.Second
	// streamBuffer is how many values of a stream may wait to be sent. Each may
	// have 1 MiB.
	streamBuffer = 1
)

// rpcClient is what the library's adder wants of the way to the cluster.
type rpcClient = rpc.Client

// clientHolder is where the component's RPC client is, once it has one.
type clientHolder struct{ atomic.Pointer[rpc.Client] }

// SetClient gives the component its peer. Until then it answers 503.
func (a *API) SetClient(client *rpc.Client) { a.client.Store(client) }

func (h *clientHolder) get() (*rpc.Client, error) {
	if client := h.Load(); client != nil {
		return client, nil
	}
	return nil, pinset.Unavailable("the peer is starting", nil)
}

// call asks the component's own peer.
func call[Out any](ctx context.Context, h *clientHolder, service, method string, in any) (out Out, err error) {
	return callAt[Out](ctx, h, "", service, method, in)
}

// callAt asks a peer.
func callAt[Out any](ctx context.Context, h *clientHolder, dest peer.ID, service, method string, in any) (out Out, err error) {
	client, err := h.get()
	if err != nil {
		return out, err
	}
	// A call whose context has ended may still write to its reply.
	reply := new(Out)
	if err := client.CallContext(ctx, dest, service, method, in, reply); err != nil {
		return out, pinset.Translate(err)
	}
	return *reply, nil
}

// stream asks the component's own peer for many values.
func stream[Out, In any](ctx context.Context, h *clientHolder, method string, args ...In) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		var none Out
		client, err := h.get()
		if err != nil {
			yield(none, err)
			return
		}
		in := make(chan In, len(args))
		for _, arg := range args {
			in <- arg
		}
		close(in)
		parent := ctx
		ctx, cancel := context.WithCancel(parent)
		defer cancel()
		out := make(chan Out, streamBuffer)
		ended := make(chan error, 1)
		go func() { ended <- client.Stream(ctx, "", "Cluster", method, in, out) }()
		for done := false; !done; {
			select {
			case v, open := <-out:
				switch {
				case open && !yield(v, nil):
					return // which ends the context, so that nobody waits to send
				case open:
					continue
				}
				if ended != nil {
					err = <-ended
				}
				done = true
			case err = <-ended:
				// What it has sent is read, unless it failed. A call that fails at
				// once, as those of a peer that is being stopped, leaves its
				// channel open.
				ended = nil
				done = err != nil
			}
		}
		if err != nil {
			yield(none, pinset.Translate(err))
		} else if err := parent.Err(); err != nil {
			yield(none, err)
		}
	}
}

// Package clusterrpc calls the components of cluster peers over gorpc. Both APIs reach
// the cluster through it. Errors are those of package pinset, as far as they are known.
package clusterrpc

import (
	"context"
	"iter"
	"sync/atomic"

	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Client is the RPC client of a component, which its peer sets when it is assembled.
type Client struct{ atomic.Pointer[rpc.Client] }

// SetClient implements a method of ipfscluster.Component.
func (c *Client) SetClient(client *rpc.Client) { c.Store(client) }

// Get returns the client, or pinset.ErrUnavailable while there is none.
func (c *Client) Get() (*rpc.Client, error) {
	if client := c.Load(); client != nil {
		return client, nil
	}
	return nil, pinset.Unavailable("the peer is starting", nil)
}

// Method is a method of a component of a peer.
type Method struct {
	Peer    peer.ID // empty: the client's own
	Service string
	Name    string
	// Buffer is how many values of a stream may wait to be read.
	Buffer int
}

// Cluster returns a method of the own peer's Cluster component.
func Cluster(name string) Method { return Method{Service: "Cluster", Name: name} }

// Call makes one call and returns its reply, or the zero value with an error.
func Call[Out any](ctx context.Context, c *Client, m Method, in any) (Out, error) {
	var none Out
	client, err := c.Get()
	if err != nil {
		return none, err
	}
	reply := new(Out) // a call whose context has ended may still write to its reply
	if err := client.CallContext(ctx, m.Peer, m.Service, m.Name, in, reply); err != nil {
		return none, pinset.Translate(err)
	}
	return *reply, nil
}

// Stream makes a streaming call with the given arguments and yields its values. The
// call's error, or the context's, comes last. The call ends when the caller stops.
func Stream[Out, In any](ctx context.Context, c *Client, m Method, args ...In) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		var none Out
		client, err := c.Get()
		if err != nil {
			yield(none, err)
			return
		}
		in := make(chan In, len(args))
		for _, arg := range args {
			in <- arg
		}
		close(in)
		out := make(chan Out, m.Buffer)
		call, cancel := context.WithCancel(ctx)
		defer cancel() // or the call would wait for somebody to take its values
		ended := make(chan error, 1)
		go func() { ended <- client.Stream(call, m.Peer, m.Service, m.Name, in, out) }()
		stopped, err := forward(out, ended, yield)
		switch {
		case stopped:
		case err != nil:
			yield(none, pinset.Translate(err))
		case ctx.Err() != nil:
			yield(none, ctx.Err())
		}
	}
}

// forward yields the values of a call until it has ended, and returns its error, or that
// the caller has stopped.
func forward[Out any](out <-chan Out, ended <-chan error, yield func(Out, error) bool) (stopped bool, err error) {
	for {
		select {
		case v, open := <-out:
			switch {
			case !open && ended == nil:
				return false, nil
			case !open:
				return false, <-ended
			case !yield(v, nil):
				return true, nil
			}
		case err := <-ended:
			if err != nil {
				// A call that fails at once, as those of a peer that is being
				// stopped, leaves its channel open.
				return false, err
			}
			ended = nil // what it has sent is still read
		}
	}
}

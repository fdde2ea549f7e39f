package restapi

import (
	"context"
	"iter"
	"time"

	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/internal/clusterrpc"
)

// The cluster_*.go files implement Cluster by calls of a peer's components. The
// library's adder needs the RPC client itself, whose type only this file knows.

const (
	// peersTimeout bounds queries to other peers about one CID. A peer that
	// is too late has the status cluster_error.
	peersTimeout = 5 * time.Second
	// peerTimeout bounds a query to one other peer.
	peerTimeout = time.Second
	// streamBuffer is how many values of a stream may wait to be sent. Each may
	// have 1 MiB.
	streamBuffer = 1
)

// rpcClient is the type that the library's adder takes.
type rpcClient = rpc.Client

// SetClient sets the RPC client of the component's peer. Requests are answered with 503 before.
func (a *API) SetClient(client *rpc.Client) { a.client.SetClient(client) }

// nothing is the argument, or the result, of calls that have none.
type nothing = struct{}

// cluster calls a method of the peer's Cluster component.
func cluster[Out any](ctx context.Context, c *rpcCluster, method string, in any) (Out, error) {
	return clusterrpc.Call[Out](ctx, c.client, clusterrpc.Cluster(method), in)
}

// call calls a method of another component of the peer.
func call[Out any](ctx context.Context, c *rpcCluster, m clusterrpc.Method, in any) (Out, error) {
	return clusterrpc.Call[Out](ctx, c.client, m, in)
}

// stream calls a method of the peer's Cluster component that returns many values.
func stream[Out, In any](ctx context.Context, c *rpcCluster, method string, args ...In) iter.Seq2[Out, error] {
	m := clusterrpc.Cluster(method)
	m.Buffer = streamBuffer
	return clusterrpc.Stream[Out](ctx, c.client, m, args...)
}

// trackerOf returns a method of the tracker of a peer, which answers with a status.
func trackerOf(id peer.ID, method string) clusterrpc.Method {
	return clusterrpc.Method{Peer: id, Service: "PinTracker", Name: method}
}

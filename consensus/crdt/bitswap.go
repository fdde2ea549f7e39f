package crdt

import (
	"context"
	"time"

	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	"github.com/libp2p/go-libp2p/core/network"
)

const (
	// An attempt with bitswap ends when no node was received for firstTimeout, or, if
	// it is not the first one, for retryTimeout.
	firstTimeout = 2 * time.Second
	retryTimeout = 30 * time.Second
)

// walk fetches absent nodes and their ancestors with bitswap, one generation after the
// other, for peers that do not serve nodesProtocol. It returns the nodes that are still
// absent.
func (f *fetcher) walk(ctx context.Context, got *fetched, wanted []cid.Cid) ([]cid.Cid, error) {
	timeout := firstTimeout
	if got.again {
		timeout = retryTimeout
	}
	session := f.dag.Session(ctx)
	var absent []cid.Cid
	for len(wanted) > 0 {
		received := f.generation(ctx, session, wanted, timeout)
		rest := wanted[:0:0]
		for _, c := range wanted {
			if received.Has(c) {
				rest = append(rest, c)
			} else {
				absent = append(absent, c)
			}
		}
		var err error
		if wanted, err = f.descend(ctx, got.nodes, rest); err != nil {
			return nil, err
		}
	}
	// The peer has announced them and is connected, but does not send them.
	if len(absent) > 0 && got.again && !servesNodes(f.host, got.from) && f.host.Network().Connectedness(got.from) == network.Connected {
		got.lacking = true
	}
	return absent, nil
}

// generation fetches nodes until all are received or none was received for the timeout. It
// returns the CIDs of the received ones.
func (f *fetcher) generation(ctx context.Context, session ipld.NodeGetter, wanted []cid.Cid, timeout time.Duration) *cid.Set {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	idle := time.AfterFunc(timeout, cancel)
	defer idle.Stop()
	received := cid.NewSet()
	for node := range session.GetMany(ctx, wanted) {
		if node.Err == nil {
			idle.Reset(timeout)
			received.Add(node.Node.Cid())
		}
	}
	return received
}

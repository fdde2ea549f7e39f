package crdt

import (
	"context"

	"github.com/ipfs/go-cid"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"
)

// fetchNodes fetches missing nodes from connected trusted peers and returns the received
// ones. It uses bitswap for peers that do not serve nodesProtocol. An error is of this
// peer's own datastore.
func (r *Replica) fetchNodes(ctx context.Context, missing []cid.Cid) ([]cid.Cid, error) {
	var here []cid.Cid
	old := false
	for _, p := range r.options.Host.Network().Peers() {
		if len(missing) == 0 {
			return here, nil
		}
		if !r.IsTrustedPeer(ctx, p) {
			continue
		}
		if !servesNodes(r.options.Host, p) {
			old = true
			continue
		}
		for start := 0; start < len(missing); start += maxRequested {
			part := missing[start:min(start+maxRequested, len(missing))]
			if err := r.askNodes(ctx, p, part); err != nil {
				logger.Debugf("asking %s for missing nodes: %s", p, err)
				break
			}
		}
		received, absent, err := r.split(ctx, missing)
		if err != nil {
			return here, err
		}
		here, missing = append(here, received...), absent
	}
	// Bitswap comes last: it asks all peers at once, and is slow.
	if old && len(missing) > 0 {
		within, cancel := context.WithTimeout(ctx, fetchTimeout)
		defer cancel()
		for range r.dag.GetMany(within, missing) { // it stores what comes
		}
		received, _, err := r.split(ctx, missing)
		return append(here, received...), err
	}
	return here, nil
}

// askNodes requests nodes from a peer and stores the ones that it sends, which may include
// ancestors.
func (r *Replica) askNodes(ctx context.Context, p peer.ID, wanted []cid.Cid) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	var a NodesResponse
	q := NodesRequest{Wanted: raw(wanted), Most: len(wanted) + maxRequested}
	if err := rpc.NewClient(boundedHost{Host: r.options.Host}, nodesProtocol).CallContext(ctx, p, nodesService, belowMethod, q, &a); err != nil {
		return err
	}
	return r.dag.BlockService().AddBlocks(ctx, below(wanted, a.Blocks))
}

// split returns the nodes that are stored here and those that are not.
func (r *Replica) split(ctx context.Context, nodes []cid.Cid) (here, absent []cid.Cid, err error) {
	for _, c := range nodes {
		has, err := r.dag.BlockStore().Has(ctx, c)
		switch {
		case err != nil:
			return nil, nil, err
		case has:
			here = append(here, c)
		default:
			absent = append(absent, c)
		}
	}
	return here, absent, nil
}

package crdt

import (
	"context"
	"errors"
	"slices"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs-cluster/ipfs-cluster/pstoremgr"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
)

// connTag is the tag with which the connection manager protects trusted peers.
const connTag = "crdt"

var (
	errNoLeader = errors.New("a crdt cluster has no leader")
	errRmPeer   = errors.New("a crdt cluster cannot remove peers: stop the peer instead")
)

// LogPin stores a pin in a node of its own.
func (r *Replica) LogPin(ctx context.Context, pin api.Pin) error {
	if _, err := r.Batched(ctx); err != nil {
		return err
	}
	return r.state.Add(ctx, pin)
}

// LogUnpin removes a pin in a node of its own.
func (r *Replica) LogUnpin(ctx context.Context, pin api.Pin) error {
	if _, err := r.Batched(ctx); err != nil {
		return err
	}
	return r.state.Rm(ctx, pin.Cid)
}

// Peers returns the peers with a valid metric of the kind peerset_metric, and this one.
func (r *Replica) Peers(ctx context.Context) ([]peer.ID, error) {
	peers := []peer.ID{r.options.Host.ID()}
	r.mu.Lock()
	client := r.client
	r.mu.Unlock()
	if client == nil {
		return peers, nil
	}
	var metrics []api.Metric
	err := client.CallContext(ctx, "", "PeerMonitor", "LatestMetrics", r.options.Config.PeersetMetric, &metrics)
	if err != nil {
		return nil, err
	}
	for _, m := range metrics {
		peers = append(peers, m.Peer)
	}
	slices.Sort(peers)
	return slices.Compact(peers), nil
}

// IsTrustedPeer tells whether a peer may change the pinset and call everything.
func (r *Replica) IsTrustedPeer(_ context.Context, p peer.ID) bool {
	if r.options.Config.TrustAll || p == r.options.Host.ID() {
		return true
	}
	_, ok := r.trusted.Load(p)
	return ok
}

// Trust makes a peer a trusted one. It stays connected, and its addresses are
// not forgotten.
func (r *Replica) Trust(ctx context.Context, p peer.ID) error {
	r.trusted.Store(p, struct{}{})
	h := r.options.Host
	if manager := h.ConnManager(); manager != nil {
		manager.Protect(p, connTag)
	}
	// A pubsub mesh forgets a peer soon; these three keep a way to it.
	pstoremgr.New(ctx, h, "").SetPriority(p, 0)
	h.Peerstore().SetAddrs(p, h.Peerstore().Addrs(p), peerstore.PermanentAddrTTL)
	return nil
}

// Distrust makes a peer an untrusted one. It stays connected until it disconnects.
func (r *Replica) Distrust(_ context.Context, p peer.ID) error {
	r.trusted.Delete(p)
	return nil
}

// Clean removes the pinset from the store.
func (r *Replica) Clean(ctx context.Context) error {
	return crdt.Clean(ctx, r.options.Config, r.options.Store)
}

// AddPeer does nothing: a CRDT cluster has no list of members. A peer joins by its
// announcements.
func (r *Replica) AddPeer(context.Context, peer.ID) error { return nil }

// RmPeer returns an error: without a list of members there is nothing to remove a peer from.
func (r *Replica) RmPeer(context.Context, peer.ID) error { return errRmPeer }

// Leader returns an error: all peers are equal.
func (r *Replica) Leader(context.Context) (peer.ID, error) { return "", errNoLeader }

// WaitForSync returns at once: a peer cannot know which changes it has not received yet.
func (r *Replica) WaitForSync(context.Context) error { return nil }

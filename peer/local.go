package peer

import (
	"context"
	"sync"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/tracker"
)

// membersTTL is how long the members of the cluster are not asked for again.
// Pings, which they are found by on CRDT, come every few seconds.
const membersTTL = time.Second

// local is this peer as the Pinning Service API sees it (pinsvcapi.LocalPeer).
// It is complete before the peer is ready.
type local struct {
	id        libp2p.ID
	consensus ipfscluster.Consensus
	tracker   *tracker.Tracker

	mu      sync.Mutex
	members []libp2p.ID
	asked   time.Time
}

func (l *local) ID() libp2p.ID { return l.id }

func (l *local) State(ctx context.Context) (state.ReadOnly, error) {
	return l.consensus.State(ctx)
}

func (l *local) Status(ctx context.Context, pin api.Pin, read bool) api.PinInfo {
	if !read {
		return l.tracker.Status(ctx, pin.Cid)
	}
	return l.tracker.QuickStatus(ctx, pin)
}

// Peers returns who was a member within the last second. The slice is shared.
func (l *local) Peers(ctx context.Context) ([]libp2p.ID, error) {
	now := time.Now()
	l.mu.Lock()
	members, old := l.members, now.Sub(l.asked) >= membersTTL
	l.mu.Unlock()
	if !old {
		return members, nil
	}
	members, err := l.consensus.Peers(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.members, l.asked = members, now
	return members, nil
}

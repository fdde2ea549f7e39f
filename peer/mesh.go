package peer

import (
	"context"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	libp2p "github.com/libp2p/go-libp2p/core/peer"
)

const (
	// A peer that has joined others looks for the rest of them after the
	// first time, and then again and again.
	firstMesh = 500 * time.Millisecond
	meshEvery = 5 * time.Second
	// meshTimeout bounds one look.
	meshTimeout = 5 * time.Second
	// maxMesh is how many members a cluster may have to be connected all with
	// all. Those of larger ones, which are CRDT, hear of each other through the
	// rest, and would fight the connection manager.
	maxMesh = 32
)

// mesh connects this peer to all members of the cluster. The library leaves
// that to the DHT, which had not done it after 30 s between peers on loopback.
// Members that know only the one that they joined have no majority, and hear
// nothing of each other, when that one stops.
func (b *builder) mesh(ctx context.Context) {
	timer := time.NewTimer(firstMesh)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		case <-b.done:
			return
		}
		b.connectMembers(ctx)
		timer.Reset(meshEvery)
	}
}

// connectMembers asks the members that are connected for the addresses of those
// that are not.
func (b *builder) connectMembers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, meshTimeout)
	defer cancel()
	missing := b.missingMembers(ctx)
	if len(missing) == 0 {
		return
	}
	ids := make(chan api.ID, 16)
	var asking sync.WaitGroup
	asking.Go(func() { b.cluster.Peers(ctx, ids) })
	defer asking.Wait()
	for id := range ids {
		for _, a := range id.ClusterPeersAddresses {
			info, err := libp2p.AddrInfoFromP2pAddr(a.Value())
			if err == nil && missing[info.ID] != nil {
				missing[info.ID].Addrs = append(missing[info.ID].Addrs, info.Addrs...)
			}
		}
	}
	for _, info := range missing {
		if len(info.Addrs) == 0 {
			continue
		}
		if err := b.net.host.Connect(ctx, *info); err != nil {
			logger.Debugf("connecting to member %s: %s", info.ID, err)
		}
	}
}

// missingMembers are those that this peer has no connection to, by ID.
func (b *builder) missingMembers(ctx context.Context) map[libp2p.ID]*libp2p.AddrInfo {
	members, err := b.consensus.Peers(ctx)
	if err != nil || len(members) > maxMesh { // an error: not ready, or stopping
		return nil
	}
	missing := make(map[libp2p.ID]*libp2p.AddrInfo)
	for _, id := range members {
		if id != b.net.host.ID() && b.net.host.Network().Connectedness(id) != libp2pnet.Connected {
			missing[id] = &libp2p.AddrInfo{ID: id}
		}
	}
	return missing
}

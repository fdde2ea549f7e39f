package embedded

import (
	"context"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/peering"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// maxOrigins bounds the peers dialled for one pin, and maxOriginAddrs their
	// addresses. Clients send all addresses of one node.
	maxOrigins     = 10
	maxOriginAddrs = 100
	// originRetry is how often origins that are not connected are dialled again
	// while the pin is in progress.
	originRetry = 10 * time.Second
)

// dialOrigins connects to the origins and keeps them connected in the
// background, until done is called or ctx ends. Origins are hints: what is wrong
// with them changes nothing.
func (n *netw) dialOrigins(ctx context.Context, origins []api.Multiaddr) (done func()) {
	peers := originPeers(origins)
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	for _, p := range peers {
		if p.ID == n.host.ID() {
			continue
		}
		n.prefer(p.ID)
		group.Go(func() {
			defer n.unprefer(p.ID)
			n.keepConnected(ctx, p)
		})
	}
	return func() {
		cancel()
		group.Wait()
	}
}

// maxHints bounds how often origins are added to a pin in progress.
const maxHints = 8

// AddOrigins dials more origins for a pin that is in progress, until it ends: a
// fetch that misses blocks asks them, too. Without such a pin it does nothing. It
// does not wait.
func (n *Node) AddOrigins(pin api.Pin) {
	n.jobs.mu.Lock()
	j, ok := n.jobs.jobs[pin.Cid.Cid]
	n.jobs.mu.Unlock()
	if !ok || len(pin.Origins) == 0 || j.hints.Add(1) > maxHints {
		return
	}
	ctx, leave, err := n.enter(n.ctx)
	if err != nil {
		return
	}
	go func() {
		defer leave()
		defer n.net.dialOrigins(ctx, pin.Origins)()
		select {
		case <-j.ended:
		case <-ctx.Done():
		}
	}()
}

func (n *netw) keepConnected(ctx context.Context, p peer.AddrInfo) {
	tick := time.NewTicker(originRetry)
	defer tick.Stop()
	for {
		if n.host.Network().Connectedness(p.ID) != network.Connected {
			if err := n.host.Connect(ctx, p); err != nil && ctx.Err() == nil {
				logger.Debugf("origin %s: %s", p.ID, err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// originPeers groups addresses by peer. Those without a peer ID are skipped.
func originPeers(origins []api.Multiaddr) []peer.AddrInfo {
	var peers []peer.AddrInfo
	index := make(map[peer.ID]int)
	for _, o := range origins[:min(len(origins), maxOriginAddrs)] {
		if o.Multiaddr == nil {
			continue
		}
		info, err := peer.AddrInfoFromP2pAddr(ma.Multiaddr(o.Multiaddr))
		if err != nil {
			continue
		}
		at, known := index[info.ID]
		if known {
			peers[at].Addrs = append(peers[at].Addrs, info.Addrs...)
		} else if len(peers) < maxOrigins {
			index[info.ID] = len(peers)
			peers = append(peers, *info)
		}
	}
	return peers
}

// prefer keeps the connection to p from being trimmed and makes bitswap ask p for
// everything, until unprefer is called as often.
func (n *netw) prefer(p peer.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.preferred[p]++
	n.host.ConnManager().Protect(p, peering.ConnmgrTag)
}

// befriend is prefer for good. Doing it again changes nothing.
func (n *netw) befriend(p peer.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.friends[p] {
		n.friends[p] = true
		n.preferred[p]++
		n.host.ConnManager().Protect(p, peering.ConnmgrTag)
	}
}

func (n *netw) unprefer(p peer.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.preferred[p]--; n.preferred[p] == 0 {
		delete(n.preferred, p)
		n.host.ConnManager().Unprotect(p, peering.ConnmgrTag)
	}
}

package network

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

// DialOrigins connects to the origins and keeps them connected in the
// background, until done is called or ctx ends. done returns when the last dial has
// ended. Origins are hints: an invalid or unreachable one does not fail the pin.
func (n *Network) DialOrigins(ctx context.Context, origins []api.Multiaddr) (done func()) {
	peers := OriginPeers(origins)
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	for _, p := range peers {
		if p.ID == n.Host.ID() {
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

func (n *Network) keepConnected(ctx context.Context, p peer.AddrInfo) {
	tick := time.NewTicker(originRetry)
	defer tick.Stop()
	for {
		if n.Host.Network().Connectedness(p.ID) != network.Connected {
			if err := n.Host.Connect(ctx, p); err != nil && ctx.Err() == nil {
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

// OriginPeers groups addresses by peer, and skips those without a peer ID. Clients
// choose the addresses, so their number and that of the peers are bounded.
func OriginPeers(origins []api.Multiaddr) []peer.AddrInfo {
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

// prefer keeps the connection to p from being trimmed and makes bitswap send every
// want to p, until unprefer is called as often: several pins may share an origin.
func (n *Network) prefer(p peer.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.preferred[p]++
	n.Host.ConnManager().Protect(p, peering.ConnmgrTag)
}

// preferForever is prefer without an end. It is idempotent, because cluster peers are
// connected again every few minutes.
func (n *Network) preferForever(p peer.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.siblings[p] {
		n.siblings[p] = true
		n.preferred[p]++
		n.Host.ConnManager().Protect(p, peering.ConnmgrTag)
	}
}

func (n *Network) unprefer(p peer.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.preferred[p]--; n.preferred[p] == 0 {
		delete(n.preferred, p)
		n.Host.ConnManager().Unprotect(p, peering.ConnmgrTag)
	}
}

// siblingDial bounds the dialling of one cluster peer's IPFS node.
const siblingDial = 15 * time.Second

// ConnectSibling connects to the IPFS node of a cluster peer, best effort. Addresses
// of any other node in id are ignored. The connection is protected even when the dial
// fails, since the other node may connect later.
func (n *Network) ConnectSibling(ctx context.Context, id api.IPFSID) {
	infos := OriginPeers(id.Addresses)
	for _, info := range infos {
		if info.ID == n.Host.ID() || info.ID != id.ID {
			continue
		}
		n.preferForever(info.ID)
		ctx, cancel := context.WithTimeout(ctx, siblingDial)
		defer cancel()
		if err := n.Host.Connect(ctx, info); err != nil {
			logger.Debugf("IPFS node %s of a cluster peer: %s", info.ID, err)
		}
	}
}

package pinsvcapi

import (
	"slices"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// chooseDelegates picks the addresses that a client is told to dial: public
// ones, or, when there are none, private and then loopback ones. Clients dial
// them one after the other, so useless ones are left out. Each ends in
// /p2p/<peer ID>; there are at most 20 and no duplicates.
func chooseDelegates(addrs []string) []string {
	var public, private, loopback []string
	for _, text := range addrs {
		addr, err := multiaddr.NewMultiaddr(text)
		if err != nil || !endsInPeer(addr) {
			continue
		}
		group := &public
		switch {
		case manet.IsIPLoopback(addr):
			group = &loopback
		case !isPublic(addr):
			group = &private
		}
		if !slices.Contains(*group, text) {
			*group = append(*group, text)
		}
	}
	chosen := public
	if len(chosen) == 0 {
		chosen = append(private, loopback...)
	}
	return chosen[:min(len(chosen), maxDelegates)]
}

// isPublic also holds for names, which are only resolved by who dials them.
func isPublic(addr multiaddr.Multiaddr) bool {
	if manet.IsPublicAddr(addr) {
		return true
	}
	first, _ := multiaddr.SplitFirst(addr)
	if first == nil {
		return false
	}
	switch first.Protocol().Code {
	case multiaddr.P_DNS, multiaddr.P_DNS4, multiaddr.P_DNS6, multiaddr.P_DNSADDR:
		return first.Value() != "localhost"
	}
	return false
}

// endsInPeer tells whether the last component names a peer, which clients
// insist on.
func endsInPeer(addr multiaddr.Multiaddr) bool {
	_, last := multiaddr.SplitLast(addr)
	return last != nil && last.Protocol().Code == multiaddr.P_P2P
}

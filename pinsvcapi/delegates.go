package pinsvcapi

import (
	"slices"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// delegateCache caches the choice from the addresses of the same peers. They seldom
// change, and every answer has delegates.
type delegateCache struct {
	known *lru.Cache[string, []string]
}

// maxDelegateSets is enough for the combinations of a few peers.
const maxDelegateSets = 256

func newDelegateCache() delegateCache {
	known, err := lru.New[string, []string](maxDelegateSets)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return delegateCache{known}
}

// of returns the cached result of chooseDelegates. The slice is shared.
func (c delegateCache) of(addrs []string) []string {
	key := strings.Join(addrs, "\n")
	chosen, ok := c.known.Get(key)
	if !ok {
		chosen = chooseDelegates(addrs)
		c.known.Add(key, chosen)
	}
	return chosen
}

// chooseDelegates returns the addresses that a client should dial: the public ones, or,
// if there are none, the private and then the loopback ones. Clients dial one after the
// other, so useless addresses are omitted. Each ends in /p2p/<peer ID>; there are at
// most 20 and no duplicates.
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
	// A private address is useless to most clients beside a public one, and costs each
	// of them a timeout.
	chosen := public
	if len(chosen) == 0 {
		chosen = append(private, loopback...)
	}
	return chosen[:min(len(chosen), maxDelegates)]
}

// isPublic reports whether an address is public. Domain names count as public, since only the client resolves them.
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

// endsInPeer reports whether the last component is a peer ID, which clients require.
func endsInPeer(addr multiaddr.Multiaddr) bool {
	_, last := multiaddr.SplitLast(addr)
	return last != nil && last.Protocol().Code == multiaddr.P_P2P
}

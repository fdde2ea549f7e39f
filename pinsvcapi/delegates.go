package pinsvcapi

import (
	"slices"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// choices remembers what was chosen from the addresses of the same peers: they
// seldom change, and every answer has some.
type choices struct {
	known *lru.Cache[string, []string]
}

// choicesMost is enough for the combinations of a few peers.
const choicesMost = 256

func newChoices() choices {
	known, err := lru.New[string, []string](choicesMost)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return choices{known}
}

// of is chooseDelegates. The slice is shared.
func (c choices) of(addrs []string) []string {
	key := strings.Join(addrs, "\n")
	chosen, ok := c.known.Get(key)
	if !ok {
		chosen = chooseDelegates(addrs)
		c.known.Add(key, chosen)
	}
	return chosen
}

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

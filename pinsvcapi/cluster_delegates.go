package pinsvcapi

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	"golang.org/x/sync/singleflight"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// addressTTL is how long the addresses of a peer's IPFS node are not asked for
// again. Old ones serve while a peer is silent.
const addressTTL = time.Minute

// emptyTTL is the same for a peer that could not tell any.
const emptyTTL = 5 * time.Second

// addressBook caches the addresses of the members' IPFS nodes. Only a peer
// itself tells all of them: what it broadcasts has the public ones alone.
type addressBook struct {
	calls *calls
	now   func() time.Time

	asking singleflight.Group
	mu     sync.Mutex
	known  map[string]addresses
}

type addresses struct {
	list  []string
	asked time.Time
}

func newAddressBook(c *calls) *addressBook {
	return &addressBook{calls: c, now: time.Now, known: make(map[string]addresses)}
}

// Delegates implements Cluster: the addresses of the peers in turns, so that a
// bounded list has some of each. A client waits seconds for each delegate that
// does not answer, so silent peers are left out while any other is known; but
// the list is never empty while any address is known, since clients give up then.
func (r *rpcCluster) Delegates(ctx context.Context, p pinset.Pin, said []pinset.PeerStatus) []string {
	answering, silent := slices.Clone(p.Allocations), []string(nil)
	for _, s := range said {
		answering = slices.DeleteFunc(answering, func(id string) bool { return id == s.Peer })
		if s.Silent || s.NoIPFS {
			silent = append(silent, s.Peer)
		} else {
			answering = append(answering, s.Peer)
		}
	}
	if list := r.addressesOf(ctx, answering); len(list) > 0 {
		return list
	}
	if list := r.lastAddressesOf(silent); len(list) > 0 {
		return list
	}
	members, err := r.members(ctx)
	if err != nil {
		return nil // nobody is known
	}
	return r.addressesOf(ctx, members)
}

// lastAddressesOf returns what peers have told, without asking them: they were
// asked for a status a moment ago, and have cost a timeout.
func (r *rpcCluster) lastAddressesOf(peers []string) []string {
	lists := make([][]string, len(peers))
	for i, id := range peers {
		lists[i] = r.ids.last(id)
	}
	return interleave(lists)
}

func (r *rpcCluster) addressesOf(ctx context.Context, peers []string) []string {
	lists := make([][]string, len(peers))
	each(peers, func(i int, id string) {
		if r.reports.late(id) != nil {
			lists[i] = r.ids.last(id)
			return
		}
		lists[i] = r.ids.of(ctx, id)
	})
	return interleave(lists)
}

func interleave(lists [][]string) []string {
	var out []string
	for i, more := 0, true; more; i++ {
		more = false
		for _, l := range lists {
			if i < len(l) {
				out = append(out, l[i])
				more = true
			}
		}
	}
	return out
}

// last returns what a peer has told, without asking it.
func (b *addressBook) last(id string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[id].list
}

// of returns the addresses of one peer's IPFS node, asking the peer when they
// are old. However many requests want to know, the peer is asked once.
func (b *addressBook) of(ctx context.Context, id string) []string {
	b.mu.Lock()
	have := b.known[id]
	b.mu.Unlock()
	ttl := addressTTL
	if len(have.list) == 0 {
		ttl = emptyTTL
	}
	if b.now().Sub(have.asked) < ttl {
		return have.list
	}
	list, _, _ := b.asking.Do(id, func() (any, error) {
		// The others wait for this answer, so that it must not end with
		// the request that asks first. It has a deadline of its own.
		list := b.ask(context.WithoutCancel(ctx), id)
		if len(list) == 0 {
			list = have.list
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.known[id] = addresses{list: list, asked: b.now()}
		return list, nil
	})
	return list.([]string)
}

// ask returns the addresses with the node's ID at their end.
func (b *addressBook) ask(ctx context.Context, id string) []string {
	dest, err := peer.Decode(id)
	if err != nil {
		return nil
	}
	info, err := b.calls.id(ctx, dest)
	if err != nil || info.IPFS.ID == "" {
		return nil
	}
	suffix := multiaddr.StringCast("/p2p/" + info.IPFS.ID.String())
	var list []string
	for _, a := range info.IPFS.Addresses {
		if a.Multiaddr == nil {
			continue
		}
		addr := a.Multiaddr
		if !endsInPeer(addr) {
			addr = addr.Encapsulate(suffix)
		}
		list = append(list, addr.String())
	}
	return list
}

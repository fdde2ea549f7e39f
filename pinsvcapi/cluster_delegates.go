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

// addressTTL is the lifetime of the cached addresses of an IPFS node. Older ones are
// used while its peer does not answer.
const addressTTL = time.Minute

// emptyTTL is the same for an empty list.
const emptyTTL = 5 * time.Second

// addressBook caches the addresses of the members' IPFS nodes. They are queried from
// each peer, since the informer metrics that a peer broadcasts contain its public
// addresses only.
type addressBook struct {
	calls *calls
	now   func() time.Time

	queries singleflight.Group
	mu      sync.Mutex
	// known has the latest addresses by peer ID. Members are few, so that none is evicted.
	known map[string]addresses
}

// addresses are the cached addresses of one IPFS node.
type addresses struct {
	list    []string
	queried time.Time
}

func newAddressBook(c *calls) *addressBook {
	return &addressBook{calls: c, now: time.Now, known: make(map[string]addresses)}
}

// Delegates implements Cluster. Addresses of the peers alternate, so that a bounded
// list has some of each. A client waits seconds for each delegate that does not answer,
// so those of silent peers are omitted while others are known. The list is not empty
// while any address is known, since clients fail on an empty one.
func (r *rpcCluster) Delegates(ctx context.Context, p pinset.Pin, peers []pinset.PeerStatus) []string {
	answering, silent := slices.Clone(p.Allocations), []string(nil)
	for _, s := range peers {
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
		return nil // no peer is known
	}
	return r.addressesOf(ctx, members)
}

// lastAddressesOf returns cached addresses without a query: the peers have just cost a
// timeout with the query of their status.
func (r *rpcCluster) lastAddressesOf(peers []string) []string {
	lists := make([][]string, len(peers))
	for i, id := range peers {
		lists[i] = r.ids.last(id)
	}
	return interleave(lists)
}

// addressesOf returns the addresses of peers, alternating. It does not query peers that
// were late a moment ago.
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

// interleave returns the first elements of all lists, then the second ones, and so on.
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

// last returns the cached addresses of a peer, however old.
func (b *addressBook) last(id string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[id].list
}

// of returns the addresses of a peer's IPFS node, and queries the peer when the cached
// ones are old. Concurrent requests share one query.
func (b *addressBook) of(ctx context.Context, id string) []string {
	b.mu.Lock()
	have := b.known[id]
	b.mu.Unlock()
	ttl := addressTTL
	if len(have.list) == 0 {
		ttl = emptyTTL
	}
	if b.now().Sub(have.queried) < ttl {
		return have.list
	}
	list, _, _ := b.queries.Do(id, func() (any, error) {
		// Other requests wait for this query, so it must not end with the
		// context of the first one. It has a timeout of its own.
		list := b.query(context.WithoutCancel(ctx), id)
		if len(list) == 0 {
			list = have.list
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.known[id] = addresses{list: list, queried: b.now()}
		return list, nil
	})
	return list.([]string)
}

// query returns the addresses of a peer's IPFS node, each with the node's ID at its end.
func (b *addressBook) query(ctx context.Context, id string) []string {
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

package pinsvcapi

import (
	"container/heap"
	"context"
	"slices"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Select implements Cluster by a scan of the local state, which is not
// ordered: the pins stream past and only the first of them are kept. Most pins
// are neither doubtful nor among the first, so that the filters work on what
// the state has, and few entries are translated.
func (r *rpcCluster) Select(ctx context.Context, s Selection) (Selected, error) {
	top := firsts{max: s.Max}
	settled := settledPeers(s.Unsettled)
	err := r.calls.pins(ctx, func(stored api.Pin) {
		if !shown(stored) {
			return
		}
		p := Pin{
			CID: stored.Cid.Cid, Name: stored.Name, Meta: stored.Metadata,
			Created: CreatedOf(stored.Metadata, stored.Timestamp, stored.Cid.Cid),
		}
		if !s.Matches(p) || !s.wants(stored, settled) {
			return
		}
		if top.count++; top.takes(p) {
			top.add(fromStored(stored))
		}
	})
	if err != nil {
		return Selected{}, err
	}
	slices.SortFunc(top.pins, compare)
	return Selected{Count: top.count, Pins: top.pins}, nil
}

// settledPeers returns the peers that have told all that they have not pinned,
// nil when some member has not.
func settledPeers(u Unsettled) map[peer.ID]bool {
	if !u.Clear() {
		return nil
	}
	settled := make(map[peer.ID]bool, len(u.Members))
	for _, m := range u.Members {
		if id, err := peer.Decode(m); err == nil {
			settled[id] = true
		}
	}
	return settled
}

// wants applies the filter by status.
func (s *Selection) wants(stored api.Pin, settled map[peer.ID]bool) bool {
	_, doubtful := s.Unsettled.Pins[stored.Cid.Cid]
	unknown := func(id peer.ID) bool { return !settled[id] }
	if doubtful || settled == nil || slices.ContainsFunc(stored.Allocations, unknown) {
		return s.Wanted(fromStored(stored))
	}
	return s.Settled
}

// firsts keeps the first max pins of what is added, as a heap whose root is
// the last of them.
type firsts struct {
	max   int
	count int // all that matched
	pins  []Pin
}

// takes tells whether a pin is among the first so far.
func (f *firsts) takes(p Pin) bool {
	return len(f.pins) < f.max || f.max > 0 && compare(p, f.pins[0]) < 0
}

func (f *firsts) add(p Pin) {
	if len(f.pins) < f.max {
		heap.Push(f, p)
		return
	}
	f.pins[0] = p
	heap.Fix(f, 0)
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (f *firsts) Len() int           { return len(f.pins) }
func (f *firsts) Less(i, j int) bool { return compare(f.pins[i], f.pins[j]) > 0 }
func (f *firsts) Swap(i, j int)      { f.pins[i], f.pins[j] = f.pins[j], f.pins[i] }
func (f *firsts) Push(p any)         { f.pins = append(f.pins, p.(Pin)) }
func (f *firsts) Pop() any {
	last := len(f.pins) - 1
	p := f.pins[last]
	f.pins = f.pins[:last]
	return p
}

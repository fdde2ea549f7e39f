package pinsvcapi

import (
	"container/heap"
	"context"
	"slices"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Select implements Cluster by a scan of the local state, which is not
// ordered: the pins stream past and only the first of them are kept. Most pins
// are pinned everywhere, so that the filters work on what the state has, and few
// entries are translated.
func (r *rpcCluster) Select(ctx context.Context, s pinset.Selection) (pinset.Selected, error) {
	said, err := r.unsettled(ctx)
	if err != nil {
		return pinset.Selected{}, err
	}
	top := firsts{max: s.Max}
	filter := statusFilter{Selection: &s, said: &said, settled: settledPeers(said), pinned: s.Wants(pinset.StatusPinned)}
	err = r.calls.pins(ctx, func(stored api.Pin) {
		if !pinset.Shown(stored) {
			return
		}
		p := pinset.Pin{
			CID: stored.Cid.Cid, Name: stored.Name, Meta: stored.Metadata,
			Created: pinset.CreatedOf(stored.Metadata, stored.Timestamp, stored.Cid.Cid),
		}
		if !s.Matches(p) || !filter.passes(stored) {
			return
		}
		top.add(p.Candidate())
	})
	if err != nil {
		return pinset.Selected{}, err
	}
	slices.SortFunc(top.all, pinset.Compare)
	return pinset.Selected{Count: top.count, First: top.all}, nil
}

// statusFilter decides about entries of the state by their status.
type statusFilter struct {
	*pinset.Selection
	said    *unsettled
	settled map[peer.ID]bool
	pinned  bool // pinned ones pass
}

// settledPeers returns the peers that have told all that they have not pinned,
// nil when some member has not.
func settledPeers(u unsettled) map[peer.ID]bool {
	if !u.clear() {
		return nil
	}
	settled := make(map[peer.ID]bool, len(u.members))
	for _, m := range u.members {
		if id, err := peer.Decode(m); err == nil {
			settled[id] = true
		}
	}
	return settled
}

func (f *statusFilter) passes(stored api.Pin) bool {
	_, spoken := f.said.pins[stored.Cid.Cid]
	unknown := func(id peer.ID) bool { return !f.settled[id] }
	if !spoken && f.settled != nil && !slices.ContainsFunc(stored.Allocations, unknown) {
		return f.pinned
	}
	p := fromStored(stored)
	return f.said.unsure(p) || f.Wants(aggregate(p, f.said.peers(p)))
}

// firsts keeps the first max of what is added, as a heap whose root is the last
// of them.
type firsts struct {
	max   int
	count int // all that were added
	all   []pinset.Candidate
}

func (f *firsts) add(c pinset.Candidate) {
	f.count++
	switch {
	case len(f.all) < f.max:
		heap.Push(f, c)
	case f.max > 0 && pinset.Compare(c, f.all[0]) < 0:
		f.all[0] = c
		heap.Fix(f, 0)
	}
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (f *firsts) Len() int           { return len(f.all) }
func (f *firsts) Less(i, j int) bool { return pinset.Compare(f.all[i], f.all[j]) > 0 }
func (f *firsts) Swap(i, j int)      { f.all[i], f.all[j] = f.all[j], f.all[i] }
func (f *firsts) Push(c any)         { f.all = append(f.all, c.(pinset.Candidate)) }
func (f *firsts) Pop() any {
	last := len(f.all) - 1
	c := f.all[last]
	f.all = f.all[:last]
	return c
}

package pinsvcapi

import (
	"container/heap"
	"context"
	"slices"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Select implements Cluster by a scan of the local state, which is not ordered: only the
// first pins of the list are kept. Most pins are pinned everywhere, so the filters work on
// the entries of the state, and few of them are translated.
func (r *rpcCluster) Select(ctx context.Context, s pinset.Selection) (pinset.Selected, error) {
	unpinned, err := r.unpinned(ctx)
	if err != nil {
		return pinset.Selected{}, err
	}
	top := topK{max: s.Max}
	filter := newStatusFilter(&s, unpinned)
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

// statusFilter filters entries of the state by their status.
type statusFilter struct {
	*pinset.Selection
	unpinned *pinset.UnpinnedSnapshot
	settled  map[peer.ID]bool // members, nil when some pins of theirs are not known
	pinned   bool             // pinned pins pass
}

// newStatusFilter returns the filter of a selection for one scan.
func newStatusFilter(s *pinset.Selection, unpinned *pinset.UnpinnedSnapshot) *statusFilter {
	f := &statusFilter{Selection: s, unpinned: unpinned, pinned: s.Wants(pinset.StatusPinned)}
	for _, m := range unpinned.Settled() {
		if id, err := peer.Decode(m); err == nil {
			if f.settled == nil {
				f.settled = make(map[peer.ID]bool)
			}
			f.settled[id] = true
		}
	}
	return f
}

// passes reports whether the status of an entry passes. One that is uncertain does.
func (f *statusFilter) passes(stored api.Pin) bool {
	unknown := func(id peer.ID) bool { return !f.settled[id] }
	if f.settled != nil && !f.unpinned.Lists(stored.Cid.Cid) && !slices.ContainsFunc(stored.Allocations, unknown) {
		return f.pinned // as most pins: they are not translated
	}
	p := fromStored(stored)
	return f.unpinned.Uncertain(p) || f.Wants(p.Status(f.unpinned.Peers(p)))
}

// topK keeps the first max candidates of a list in a heap whose root is the last of them, so that a scan needs memory for one page, however many pins match.
type topK struct {
	max   int
	count int // all that were added
	all   []pinset.Candidate
}

// add keeps a candidate if it is among the first, in logarithmic time.
func (f *topK) add(c pinset.Candidate) {
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
func (f *topK) Len() int           { return len(f.all) }
func (f *topK) Less(i, j int) bool { return pinset.Compare(f.all[i], f.all[j]) > 0 }
func (f *topK) Swap(i, j int)      { f.all[i], f.all[j] = f.all[j], f.all[i] }
func (f *topK) Push(c any)         { f.all = append(f.all, c.(pinset.Candidate)) }
func (f *topK) Pop() any {
	last := len(f.all) - 1
	c := f.all[last]
	f.all = f.all[:last]
	return c
}

package fakecluster

import (
	"context"
	"slices"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Pins is a pinset.Cluster. A pin is pinned at its peers, unless Unpinned has another
// status.
type Pins struct {
	Cluster
	Pins     map[cid.Cid]pinset.Pin
	Unpinned map[cid.Cid][]pinset.PeerStatus
	// Members are peer IDs. Silent are those that do not answer, and the time of their
	// latest report.
	Members []string
	Silent  map[string]time.Time
	// Now is the `created` of the latest pin.
	Now    time.Time
	Writes int
	// OnStatus is called before each status, unless it is nil.
	OnStatus func(pinset.Pin)
}

// NewPins returns an empty cluster with one member.
func NewPins() *Pins {
	return &Pins{
		Pins:     make(map[cid.Cid]pinset.Pin),
		Unpinned: make(map[cid.Cid][]pinset.PeerStatus),
		Members:  []string{"peer1"},
		Now:      Epoch,
	}
}

// Get implements pinset.Cluster.
func (f *Pins) Get(_ context.Context, c cid.Cid) (pinset.Pin, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	p, ok := f.Pins[c]
	if !ok && f.err() == nil {
		return pinset.Pin{}, pinset.ErrNotFound
	}
	return p, f.err()
}

// Put implements pinset.Cluster.
func (f *Pins) Put(_ context.Context, p pinset.Pin) (pinset.Pin, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	if f.err() != nil {
		return pinset.Pin{}, f.err()
	}
	f.Now = f.Now.Add(time.Millisecond)
	p.Created = f.Now
	if old, ok := f.Pins[p.CID]; ok && !old.Expired(time.Now()) {
		p.Created = old.Created
		p.Allocations = old.Allocations
	}
	f.Pins[p.CID] = p
	f.Writes++
	f.log("put %s", p.CID)
	return p, nil
}

// Delete implements pinset.Cluster.
func (f *Pins) Delete(_ context.Context, c cid.Cid) error {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	if _, ok := f.Pins[c]; !ok && f.err() == nil {
		return pinset.ErrNotFound
	}
	if f.err() == nil {
		delete(f.Pins, c)
		f.Writes++
		f.log("delete %s", c)
	}
	return f.err()
}

// Select implements pinset.Cluster.
func (f *Pins) Select(_ context.Context, s pinset.Selection) (pinset.Selected, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	var found []pinset.Candidate
	u := f.snapshot()
	for _, p := range f.Pins {
		if s.Matches(p) && s.Wants(p.Status(u.Peers(p))) {
			found = append(found, p.Candidate())
		}
	}
	slices.SortFunc(found, pinset.Compare)
	return pinset.Selected{Count: len(found), First: found[:min(len(found), s.Max)]}, f.err()
}

// snapshot has the lists of the peers: members have answered just now.
func (f *Pins) snapshot() *pinset.UnpinnedSnapshot {
	lists := make(map[string]pinset.LastUnpinned)
	for _, id := range f.Members {
		lists[id] = pinset.LastUnpinned{Unpinned: pinset.Unpinned{Asked: Epoch}}
	}
	for id, at := range f.Silent {
		lists[id] = pinset.LastUnpinned{Unpinned: pinset.Unpinned{Asked: at}, Failed: true}
	}
	for c, said := range f.Unpinned {
		for _, s := range said {
			l := lists[s.Peer]
			if l.Pins == nil {
				l.Pins = make(map[cid.Cid]pinset.PeerStatus)
			}
			l.Pins[c] = s
			lists[s.Peer] = l
		}
	}
	return pinset.NewUnpinnedSnapshot(f.Members, lists)
}

// Status implements pinset.Cluster.
func (f *Pins) Status(_ context.Context, p pinset.Pin) ([]pinset.PeerStatus, error) {
	if f.OnStatus != nil {
		f.OnStatus(p)
	}
	f.Mu.Lock()
	defer f.Mu.Unlock()
	return f.snapshot().Peers(p), f.err()
}

// Delegates implements pinset.Cluster.
func (f *Pins) Delegates(context.Context, pinset.Pin, []pinset.PeerStatus) []string {
	return []string{"/ip4/203.0.113.1/tcp/4001/p2p/12D3KooWGRUmMfQSKDTdpUGLQKbRdQTiiXCgBqUH8gXmCjg2DXvo"}
}

// Seed stores pins as they are.
func (f *Pins) Seed(pins ...pinset.Pin) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	for _, p := range pins {
		f.Pins[p.CID] = p
	}
}

package pinsvcapi

import (
	"errors"
	"maps"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// maxStatuses bounds the statuses of single pins that are kept.
	maxStatuses = 1 << 15
	// backoff is how long a peer that was late is not queried again.
	backoff = 5 * time.Second
)

// errBackoff stands for a late answer, without the wait for it.
var errBackoff = errors.New("the peer was late a moment ago")

// reports keeps the latest report of each peer, for the time in which it is silent.
type reports struct {
	now func() time.Time
	// statuses has those of single pins. They fill the gap between two lists.
	statuses *lru.Cache[statusKey, datedStatus]

	mu sync.Mutex
	// lists has the latest list of each peer that was ever queried, members or not:
	// of a peer that is down, it is all that is known.
	lists map[string]pinset.LastUnpinned
	// backoff has the end of the time in which a peer, or its IPFS node, is not queried.
	backoff map[string]time.Time
}

// statusKey identifies a pin at a peer.
type statusKey struct {
	cid  cid.Cid
	peer string
}

// datedStatus is a status and the time at which it was received.
type datedStatus struct {
	pinset.PeerStatus
	at time.Time
}

// newReports returns empty reports.
func newReports() *reports {
	statuses, err := lru.New[statusKey, datedStatus](maxStatuses)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &reports{
		now:      time.Now,
		statuses: statuses,
		lists:    make(map[string]pinset.LastUnpinned),
		backoff:  make(map[string]time.Time),
	}
}

// recordStatus keeps a peer's status of one pin.
func (r *reports) recordStatus(c cid.Cid, s pinset.PeerStatus) {
	r.statuses.Add(statusKey{c, s.Peer}, datedStatus{s, r.now()})
}

// latest returns the latest status of a pin that a peer reported since the pin was
// created, false when there is none.
func (r *reports) latest(p pinset.Pin, id string) (pinset.PeerStatus, bool) {
	one, ok := r.statuses.Get(statusKey{p.CID, id})
	ok = ok && one.at.After(p.Created)
	all := r.list(id)
	if !all.Asked.After(p.Created) || ok && one.at.After(all.Asked) {
		return one.PeerStatus, ok
	}
	if s, ok := all.Pins[p.CID]; ok {
		return s, true
	}
	if all.Partial {
		return one.PeerStatus, ok
	}
	return pinset.PeerStatus{Peer: id, Name: one.Name, State: pinset.StatePinned}, true
}

// recordList keeps a peer's list of unpinned pins.
func (r *reports) recordList(id string, list pinset.Unpinned) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lists[id] = pinset.LastUnpinned{Unpinned: list}
}

// recordFailure keeps a peer's latest list and marks it as an old one.
func (r *reports) recordFailure(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.lists[id]
	last.Failed = true
	r.lists[id] = last
}

// list returns a peer's latest list.
func (r *reports) list(id string) pinset.LastUnpinned {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lists[id]
}

// snapshot combines the latest lists of all peers that were ever queried.
func (r *reports) snapshot(members []string) *pinset.UnpinnedSnapshot {
	r.mu.Lock()
	lists := maps.Clone(r.lists)
	r.mu.Unlock()
	return pinset.NewUnpinnedSnapshot(members, lists)
}

// backOff makes late return an error for a while.
func (r *reports) backOff(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.backoff[id] = r.now().Add(backoff)
}

// late returns an error when a peer should not be queried now.
func (r *reports) late(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now().Before(r.backoff[id]) {
		return errBackoff
	}
	return nil
}

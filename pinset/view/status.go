package view

import (
	"slices"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// status is a pin's status as a bit, so that a filter is a set of them.
type status uint8

const (
	queued status = 1 << iota
	pinning
	pinned
	failed

	anyStatus = queued | pinning | pinned | failed
)

func bitOf(s pinset.Status) status {
	switch s {
	case pinset.StatusPinning:
		return pinning
	case pinset.StatusPinned:
		return pinned
	case pinset.StatusFailed:
		return failed
	}
	return queued
}

// statusTable derives the status of every pin from the latest report of each peer. Nearly
// all pins of a healthy cluster are pinned, so only the others are stored. It is not safe
// for concurrent use.
type statusTable struct {
	members  []string // sorted
	reports  map[string]*peerReport
	current  []*peerReport // of the members
	unpinned *unpinnedIndex
}

// peerReport is the latest list of what a peer has not pinned.
type peerReport struct {
	peer   string
	member bool
	// asked is the time just before the list was made, 0 when there is none yet.
	asked logicalTime
	// partial is set for a peer that has just started: a pin that is missing from its
	// list may have any status.
	partial bool
	states  map[string]pinset.State // by the bytes of the CID
	// updates has what the peer reported of single pins after the list.
	updates map[string]update
}

// update is a peer's report of a single pin.
type update struct {
	state pinset.State
	asked logicalTime
}

func newStatusTable() *statusTable {
	return &statusTable{reports: make(map[string]*peerReport), unpinned: newUnpinnedIndex()}
}

// report returns the report of a peer. The pointer stays the same for the table's life.
func (t *statusTable) report(peer string) *peerReport {
	r, ok := t.reports[peer]
	if !ok {
		r = &peerReport{peer: peer, updates: make(map[string]update)}
		t.reports[peer] = r
	}
	return r
}

// setMembers reports whether the members have changed.
func (t *statusTable) setMembers(members []string) bool {
	if slices.Equal(members, t.members) {
		return false
	}
	t.members, t.current = members, nil
	for _, r := range t.reports {
		r.member = false
	}
	for _, id := range members {
		r := t.report(id)
		r.member = true
		t.current = append(t.current, r)
	}
	return true
}

// record stores a peer's list of unpinned CIDs. It reports whether pins outside both the
// old and the new list may change status, because the old list was missing or partial.
func (t *statusTable) record(peer string, asked logicalTime, list pinset.Unpinned) bool {
	r := t.report(peer)
	unknown := r.asked == 0 || r.partial != list.Partial
	r.asked, r.partial = asked, list.Partial
	r.states = make(map[string]pinset.State, len(list.Pins))
	for c, s := range list.Pins {
		r.states[c.KeyString()] = s.State
	}
	for key, u := range r.updates {
		if u.asked < asked {
			delete(r.updates, key)
		}
	}
	return unknown
}

// recordOne stores what a peer reported of one pin, unless its list is newer.
func (t *statusTable) recordOne(it *item, s pinset.PeerStatus, asked logicalTime) {
	r := t.report(s.Peer)
	if !s.Silent && asked > r.asked && r.state(it) != s.State {
		r.updates[it.key()] = update{s.State, asked}
	}
}

// state returns the state of a pin at the peer. From the newest knowledge to the oldest: a
// report of this pin alone that is newer than its last change, the peer's list, and, when the
// list does not have it, pinned. But a pin that changed after the list was requested is
// queued, since the list may not have known of the change; so are all pins of a peer that
// never sent a list, and those of a former member whose last list was partial.
func (r *peerReport) state(it *item) pinset.State {
	if len(r.updates) > 0 {
		if u, ok := r.updates[it.key()]; ok && u.asked >= it.changed {
			return u.state
		}
	}
	if len(r.states) > 0 {
		if s, ok := r.states[it.key()]; ok {
			return s
		}
	}
	return r.summary().Absent(it.changed < r.asked)
}

func (r *peerReport) summary() pinset.Report {
	return pinset.Report{Exists: r.asked != 0, Partial: r.partial, Member: r.member}
}

// holders returns the reports of the peers that a placement allocates a pin to.
func (t *statusTable) holders(at *placement) []*peerReport {
	if at.peers == nil {
		return t.current
	}
	return at.holders
}

// status computes a pin's status from the reports.
func (t *statusTable) status(it *item) status {
	var n pinset.Tally
	for _, r := range t.holders(it.placement) {
		n.Count(r.state(it), it.placement.sharded, r.asked == 0 && len(r.updates) == 0)
	}
	return bitOf(n.Status(it.placement.least, it.placement.sharded))
}

// uncertain returns the placements with a member whose report is partial: any pin there
// may have any status. It is nil if there are none.
func (t *statusTable) uncertain(all map[string]*placement) map[*placement]bool {
	var uncertain map[*placement]bool
	partial := func(r *peerReport) bool { return r.summary().Uncertain() }
	if !slices.ContainsFunc(t.current, partial) {
		return nil
	}
	for _, at := range all {
		if slices.ContainsFunc(t.holders(at), partial) {
			if uncertain == nil {
				uncertain = make(map[*placement]bool)
			}
			uncertain[at] = true
		}
	}
	return uncertain
}

// stale reports whether the stored status of a pin differs from the computed one.
func (t *statusTable) stale(it *item) bool { return t.unpinned.status(it) != t.status(it) }

// refresh stores the status that a pin of the index has now.
func (t *statusTable) refresh(it *item) { t.unpinned.set(it, t.status(it)) }

// forget removes a pin.
func (t *statusTable) forget(it *item) {
	t.unpinned.remove(it)
	for _, r := range t.holders(it.placement) {
		delete(r.updates, it.key())
	}
}

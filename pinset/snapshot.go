package pinset

import (
	"slices"
	"time"

	"github.com/ipfs/go-cid"
)

// Report describes the latest list of unpinned pins that a peer has sent.
type Report struct {
	Exists  bool // there is one
	Partial bool // it may lack pins: see ErrNotCompared
	Member  bool // the peer is a member of the cluster now
}

// Absent returns the state, at the peer, of a pin that the list does not have. newer
// says that the list was made after the pin changed last.
func (r Report) Absent(newer bool) State {
	if !r.Exists || r.Partial && !r.Member || !newer {
		return StateQueued
	}
	return StatePinned
}

// Uncertain reports whether pins that the list does not have may be in any state: the
// peer has just started. Absent takes them for pinned.
func (r Report) Uncertain() bool { return r.Partial && r.Member }

// Unpinned is a peer's list of what it has not pinned. Nobody changes it.
type Unpinned struct {
	Asked   time.Time              // before the list was made; zero: there is no list
	Partial bool                   // there may be more: see ErrNotCompared
	Pins    map[cid.Cid]PeerStatus // what it has not pinned
}

// LastUnpinned is the latest list of a peer.
type LastUnpinned struct {
	Unpinned
	Failed bool // the peer did not answer when it was asked again
}

// UnpinnedSnapshot is what the peers of a cluster have not pinned, by their latest lists.
// Nobody changes it.
type UnpinnedSnapshot struct {
	members []string
	lists   map[string]LastUnpinned
	pins    map[cid.Cid][]PeerStatus
	partial []string // members whose pins may be in any state
	settled bool     // all members have answered, with complete lists
}

// NewUnpinnedSnapshot returns the snapshot of lists, by peer. Peers that are down for
// long are no members any more; their lists still count.
func NewUnpinnedSnapshot(members []string, lists map[string]LastUnpinned) *UnpinnedSnapshot {
	u := &UnpinnedSnapshot{members: members, lists: lists, pins: make(map[cid.Cid][]PeerStatus)}
	for id := range lists {
		silent := u.silent(id)
		for c, s := range lists[id].Pins {
			s.Silent = silent
			u.pins[c] = append(u.pins[c], s)
		}
		if u.report(id).Uncertain() {
			u.partial = append(u.partial, id)
		}
	}
	u.settled = len(u.partial) == 0 && !slices.ContainsFunc(members, u.silent)
	return u
}

func (u *UnpinnedSnapshot) report(id string) Report {
	l := u.lists[id]
	return Report{Exists: !l.Asked.IsZero(), Partial: l.Partial, Member: slices.Contains(u.members, id)}
}

// silent reports whether a peer did not answer. Its list is an old one then.
func (u *UnpinnedSnapshot) silent(id string) bool {
	l, ok := u.lists[id]
	return !ok || l.Failed || !slices.Contains(u.members, id)
}

// Settled returns the members when all of them have answered with complete lists, else
// nil. A pin that only members hold and that Lists does not know is pinned then.
func (u *UnpinnedSnapshot) Settled() []string {
	if !u.settled {
		return nil
	}
	return u.members
}

// Lists reports whether some peer lists a pin as unpinned.
func (u *UnpinnedSnapshot) Lists(c cid.Cid) bool {
	_, ok := u.pins[c]
	return ok
}

// Uncertain reports whether some peer of a pin does not know its state.
func (u *UnpinnedSnapshot) Uncertain(p Pin) bool {
	return slices.ContainsFunc(u.partial, func(id string) bool {
		return len(p.Allocations) == 0 || slices.Contains(p.Allocations, id)
	})
}

// Peers returns the status of a pin at each of its peers.
func (u *UnpinnedSnapshot) Peers(p Pin) []PeerStatus {
	peers := p.Allocations
	if len(peers) == 0 {
		peers = u.members
	}
	listed := u.pins[p.CID]
	out := make([]PeerStatus, 0, len(peers))
	for _, id := range peers {
		out = append(out, u.peer(p, id, listed))
	}
	return out
}

// peer returns the status of a pin at one peer. A member that has just answered knows
// the pin, whose `created` may be of another peer's clock.
func (u *UnpinnedSnapshot) peer(p Pin, id string, listed []PeerStatus) PeerStatus {
	for _, s := range listed {
		if s.Peer == id {
			return s
		}
	}
	silent := u.silent(id)
	newer := !silent || u.lists[id].Asked.After(p.Created)
	return PeerStatus{Peer: id, State: u.report(id).Absent(newer), Silent: silent}
}

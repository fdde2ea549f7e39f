package pinsvcapi

import (
	"slices"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// unsettled is what the cluster's members say of pins that are not pinned.
type unsettled struct {
	// members are the peer IDs of the cluster's members.
	members []string
	// pins has an entry for each pin that some peer has not pinned, with what
	// these peers say. Peers without a word hold the pin.
	pins map[cid.Cid][]pinset.PeerStatus
	// silent has the peers that did not answer, or are no members any more,
	// and when they last answered (zero: never). Their words in pins are from
	// then. A peer that is no member and not in here was never heard.
	silent map[string]time.Time
	// doubtful are the members that have just been started and do not know yet
	// what they have pinned. Any of their pins may be in any state.
	doubtful []string
}

// clear tells whether a pin without an entry in pins is pinned for certain, if
// all of its peers are members.
func (u *unsettled) clear() bool {
	silent := func(id string) bool { _, is := u.silent[id]; return is }
	return len(u.doubtful) == 0 && !slices.ContainsFunc(u.members, silent)
}

// unsure tells whether some peer of a pin does not know its state.
func (u *unsettled) unsure(p pinset.Pin) bool {
	return slices.ContainsFunc(u.doubtful, func(id string) bool {
		return len(p.Allocations) == 0 || slices.Contains(p.Allocations, id)
	})
}

// peers returns what all peers of a pin say of it.
func (u *unsettled) peers(p pinset.Pin) []pinset.PeerStatus {
	peers := p.Allocations
	if len(peers) == 0 {
		peers = u.members
	}
	said := u.pins[p.CID]
	out := make([]pinset.PeerStatus, 0, len(peers))
	for _, id := range peers {
		out = append(out, u.peer(p, id, said))
	}
	return out
}

// peer returns what one peer says of a pin. A silent peer cannot have spoken
// of a pin that is younger than its last answer. Who is no member is silent.
func (u *unsettled) peer(p pinset.Pin, id string, said []pinset.PeerStatus) pinset.PeerStatus {
	for _, s := range said {
		if s.Peer == id {
			return s
		}
	}
	last, silent := u.silent[id]
	silent = silent || !slices.Contains(u.members, id)
	if silent && !last.After(p.Created) {
		return pinset.PeerStatus{Peer: id, State: pinset.StateQueued, Silent: true}
	}
	return pinset.PeerStatus{Peer: id, State: pinset.StatePinned, Silent: silent}
}

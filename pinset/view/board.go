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

// board has the pins that are not pinned, as their peers last said. It is not
// safe for concurrent use.
type board struct {
	members []string // sorted
	answers map[string]*answer
	all     []*answer // of members
	others  *exceptions
}

// answer is what one peer last said.
type answer struct {
	peer   string
	member bool
	// asked is before its list of what it has not pinned was made, 0 when
	// there never was one.
	asked moment
	// partial is set for a peer that has just been started: what is not in
	// its list may be in any state.
	partial bool
	words   map[string]pinset.State // by the bytes of a CID
	// later has what it said of single pins since then.
	later map[string]word
}

// word is what a peer said of a pin.
type word struct {
	state pinset.State
	asked moment
}

func newBoard() *board {
	return &board{answers: make(map[string]*answer), others: newExceptions()}
}

// answer returns what a peer last said, the same value each time.
func (b *board) answer(peer string) *answer {
	a, ok := b.answers[peer]
	if !ok {
		a = &answer{peer: peer, later: make(map[string]word)}
		b.answers[peer] = a
	}
	return a
}

// setMembers returns whether that changes anything.
func (b *board) setMembers(members []string) bool {
	if slices.Equal(members, b.members) {
		return false
	}
	b.members, b.all = members, nil
	for _, a := range b.answers {
		a.member = false
	}
	for _, id := range members {
		a := b.answer(id)
		a.member = true
		b.all = append(b.all, a)
	}
	return true
}

// hear takes a peer's list of what it has not pinned. It returns whether that
// may change the status of pins that are in neither list.
func (b *board) hear(peer string, asked moment, said pinset.Unpinned) bool {
	a := b.answer(peer)
	unknown := a.asked == 0 || a.partial != said.Partial
	a.asked, a.partial = asked, said.Partial
	a.words = make(map[string]pinset.State, len(said.Pins))
	for c, s := range said.Pins {
		a.words[c.KeyString()] = s.State
	}
	for key, w := range a.later {
		if w.asked < asked {
			delete(a.later, key)
		}
	}
	return unknown
}

// hearOne takes what a peer says of one pin.
func (b *board) hearOne(it *item, s pinset.PeerStatus, asked moment) {
	a := b.answer(s.Peer)
	if !s.Silent && asked > a.asked && a.state(it) != s.State {
		a.later[it.key()] = word{s.State, asked}
	}
}

// state returns what a peer says of a pin. What it has not been asked about
// since the pin changed is queued; what is not in its list it has pinned.
func (a *answer) state(it *item) pinset.State {
	if len(a.later) > 0 {
		if w, ok := a.later[it.key()]; ok && w.asked >= it.changed {
			return w.state
		}
	}
	if len(a.words) > 0 {
		if s, ok := a.words[it.key()]; ok {
			return s
		}
	}
	if a.asked == 0 || a.partial && !a.member || it.changed != 0 && it.changed >= a.asked {
		return pinset.StateQueued
	}
	return pinset.StatePinned
}

// holders are the peers that have to pin what is in a place.
func (b *board) holders(at *place) []*answer {
	if at.peers == nil {
		return b.all
	}
	return at.holders
}

// status returns the status of a pin, as far as it is known.
func (b *board) status(it *item) status {
	var n pinset.Tally
	for _, a := range b.holders(it.place) {
		if it.place.sharded && a.asked == 0 && len(a.later) == 0 {
			continue // it may have no shard of it
		}
		n[a.state(it)]++
	}
	return bitOf(n.Status(it.place.least, it.place.sharded))
}

// unsure returns the places of which nobody knows for certain what is pinned.
func (b *board) unsure(all map[string]*place) map[*place]bool {
	var unsure map[*place]bool
	doubtful := func(a *answer) bool { return a.partial && a.member }
	if !slices.ContainsFunc(b.all, doubtful) {
		return nil
	}
	for _, at := range all {
		if slices.ContainsFunc(b.holders(at), doubtful) {
			if unsure == nil {
				unsure = make(map[*place]bool)
			}
			unsure[at] = true
		}
	}
	return unsure
}

// differs tells whether a pin's status may not be what was noted last.
func (b *board) differs(it *item) bool { return b.others.status(it) != b.status(it) }

// update notes the status that a pin of the index has now.
func (b *board) update(it *item) { b.others.set(it, b.status(it)) }

// forget removes a pin.
func (b *board) forget(it *item) {
	b.others.remove(it)
	for _, a := range b.holders(it.place) {
		delete(a.later, it.key())
	}
}

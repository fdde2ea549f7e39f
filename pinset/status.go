package pinset

// Status is a pin's status in the words of the specification.
type Status string

// The words (spec, schema Status).
const (
	StatusQueued  Status = "queued"
	StatusPinning Status = "pinning"
	StatusPinned  Status = "pinned"
	StatusFailed  Status = "failed"
)

// Statuses are all words that the status filter knows.
var Statuses = []Status{StatusQueued, StatusPinning, StatusPinned, StatusFailed}

// Tally counts a pin's peers by the State that they are in.
type Tally [4]int

// Count adds a peer in state s. Of a sharded pin, a peer that has never reported (unheard)
// is left out, since it may hold no shard.
func (n *Tally) Count(s State, sharded, unheard bool) {
	if !sharded || !unheard {
		n[s]++
	}
}

// Status returns the status of a pin by the states of its peers.
func (p Pin) Status(peers []PeerStatus) Status {
	var n Tally
	for _, s := range peers {
		n.Count(s.State, p.Sharded, s.Silent && s.State == StateQueued)
	}
	return n.Status(p.ReplicationMin, p.Sharded)
}

// Status makes a pin's status out of the states of its peers (openapi.yaml, schema
// Status): enough replicas pinned make it pinned, else any peer that is pinning
// makes it pinning, else any that is queued makes it queued, else it has
// failed. Without any peer it waits. least is the pin's minimum replication
// factor; one peer is enough when it is pinned everywhere.
//
// The shards of a sharded pin with replication factors are on different peers,
// each of which speaks of its own, so that all must say pinned.
func (n Tally) Status(least int, sharded bool) Status {
	peers := n[StateQueued] + n[StatePinning] + n[StatePinned] + n[StateFailed]
	if sharded && least >= 0 {
		least = peers
	}
	switch {
	case n[StatePinned] >= max(1, min(least, peers)):
		return StatusPinned
	case n[StatePinning] > 0:
		return StatusPinning
	case n[StateQueued] > 0 || n[StateFailed] == 0:
		return StatusQueued
	default:
		return StatusFailed
	}
}

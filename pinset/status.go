package pinset

// Status is the status of a pin (spec, schema Status).
type Status string

// The statuses.
const (
	StatusQueued  Status = "queued"
	StatusPinning Status = "pinning"
	StatusPinned  Status = "pinned"
	StatusFailed  Status = "failed"
)

// Statuses are the values of the status filter.
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

// Status returns the status of a pin (openapi.yaml, schema Status). It is pinned at
// enough peers, or else the first of pinning, queued and failed that any peer is in;
// without peers it is queued. least is the minimum replication factor, -1 for
// everywhere, when one peer is enough.
//
// A sharded pin with replication factors has to be pinned at all peers, since each
// reports only the shards of its own.
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

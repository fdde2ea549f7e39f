package pinset

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ipfs/go-cid"
)

// Pin is a pin of the cluster's pinset, in the service's terms.
type Pin struct {
	CID     cid.Cid
	Name    string
	Origins []string          // multiaddrs with /p2p/, at most maxOrigins
	Meta    map[string]string // the client's, without reserved keys
	Created time.Time         // UTC, whole milliseconds; set by Cluster.Put
	Expires time.Time         // zero: never

	// Allocations are the peer IDs that hold the pin. Empty: all members.
	Allocations []string
	// ReplicationMin and ReplicationMax are the cluster's replication
	// factors: -1 means every peer, 0 the peer's default.
	ReplicationMin, ReplicationMax int

	// Sharded is set for the root of a sharded add, which refers to its
	// cluster DAG and is pinned through its shards.
	Sharded   bool
	Reference cid.Cid

	Before Before
}

// Before is what a Cluster had for the CID when the service read it, so that
// Put need not read it again.
type Before struct {
	Known  bool
	Stored any // of the Cluster's own type; nil: nothing
}

// Expired tells whether the pin's time is over. The cluster removes such a
// pin at its next state sync.
func (p Pin) Expired(now time.Time) bool {
	return !p.Expires.IsZero() && p.Expires.Before(now)
}

// State is what a peer's tracker says of a pin, as far as the API tells
// tracker statuses apart.
type State int

// The states, of which a pin's Status is made.
const (
	StateQueued  State = iota // waits: everything that is none of the below
	StatePinning              // is being fetched
	StatePinned               // pinned, or sharded
	StateFailed               // pin_error; the tracker will try again
)

// PeerStatus is what one peer says of a pin.
type PeerStatus struct {
	Peer     string    // peer ID
	Name     string    // the peer's name in the cluster, may be empty
	State    State     // of a silent peer: the last one seen from it
	Text     string    // a failed peer's error, a pinning peer's progress
	Attempts int       // how often the tracker has tried
	Since    time.Time // when the state was entered, zero if not known
	Silent   bool      // the peer refused to answer or was late
	NoIPFS   bool      // the peer's IPFS node was late
}

// Selection says which pins of the pinset a list is made of. The zero value
// of each filter but Statuses selects everything.
type Selection struct {
	Name          *Name             // nil: any name
	Meta          map[string]string // pins that have all of these
	Before, After time.Time         // exclusive, whole milliseconds
	Statuses      []Status          // at least one

	// Max bounds the candidates that are returned.
	Max int
}

// Matches tells whether a pin passes the filters that need no status.
func (s *Selection) Matches(p Pin) bool {
	if !s.Before.IsZero() && !p.Created.Before(s.Before) {
		return false
	}
	if !s.After.IsZero() && !p.Created.After(s.After) {
		return false
	}
	if s.Name != nil && !s.Name.Matches(p.Name) {
		return false
	}
	for k, v := range s.Meta {
		if have, ok := p.Meta[k]; !ok || have != v {
			return false
		}
	}
	return true
}

// Wants tells whether a pin of this status passes.
func (s *Selection) Wants(st Status) bool { return slices.Contains(s.Statuses, st) }

// Selected is what a Selection finds. Statuses are as they were seen a moment
// ago. A pin of whose status nothing is known yet passes, since each pin of a
// page is asked for once more.
type Selected struct {
	Count int         // all pins that match
	First []Candidate // the first of them: created descending, then CID
}

// Candidate is a pin that may come onto a page.
type Candidate struct {
	CID     cid.Cid
	Created time.Time
}

// Cluster is what the API asks of an IPFS Cluster peer. Only data pins and the
// roots of sharded adds exist for it. Every method honours its context.
type Cluster interface {
	// Get returns the pin of exactly this CID (version included), or
	// ErrNotFound.
	Get(ctx context.Context, c cid.Cid) (Pin, error)
	// Put stores the pin as given, but for Created, which is kept from an
	// unexpired pin of the same CID or else is set, and for Allocations,
	// which the cluster's allocator chooses. It returns the pin as stored,
	// when the local state shows it: ErrReadOnly, ErrTooLarge or
	// Unavailable when it cannot.
	Put(ctx context.Context, p Pin) (Pin, error)
	// Delete removes the pin and returns when the local state no longer
	// shows it: ErrNotFound, ErrReadOnly or Unavailable when it cannot.
	Delete(ctx context.Context, c cid.Cid) error
	// Select returns the pins of a selection.
	Select(ctx context.Context, s Selection) (Selected, error)
	// Status returns what the pin's peers (its allocations, or all members)
	// say of it, each within a second, in a stable order.
	Status(ctx context.Context, p Pin) ([]PeerStatus, error)
	// Delegates returns multiaddrs of the IPFS nodes of the pin's peers, each
	// ending in /p2p/ and the node's ID. said is what Status returned: the
	// addresses of silent peers are only returned when no others are known.
	Delegates(ctx context.Context, p Pin, said []PeerStatus) []string
}

// Candidate returns what orders a pin.
func (p Pin) Candidate() Candidate { return Candidate{p.CID, p.Created} }

// Compare orders pins as lists do: created descending, then CID.
func Compare(a, b Candidate) int {
	if c := b.Created.Compare(a.Created); c != 0 {
		return c
	}
	return strings.Compare(a.CID.String(), b.CID.String())
}

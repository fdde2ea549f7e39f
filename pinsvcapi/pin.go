package pinsvcapi

import (
	"context"
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

	before before
}

// before is what a Cluster had for the CID when the service read it, so that
// Put need not read it again.
type before struct {
	known  bool
	stored any // of the Cluster's own type; nil: nothing
}

// expired tells whether the pin's time is over. The cluster removes such a
// pin at its next state sync.
func (p Pin) expired(now time.Time) bool {
	return !p.Expires.IsZero() && p.Expires.Before(now)
}

// State is what a peer's tracker says of a pin, as far as the API tells
// tracker statuses apart.
type State int

// The states, from DESIGN's row "status of a pin".
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
}

// Selection says which pins of the pinset a list is made of. The zero value
// of each filter selects everything.
type Selection struct {
	Name          Matcher           // nil: any name
	Meta          map[string]string // pins that have all of these
	Before, After time.Time         // exclusive, whole milliseconds

	// Wanted decides about a pin by its status. It says Settled of every pin
	// that is not in Unsettled.Pins and allocated to members only, as long as
	// none of them is silent or unsure.
	Wanted    func(Pin) bool
	Settled   bool
	Unsettled Unsettled

	// Max bounds the pins that are returned.
	Max int
}

// Unsettled is what the cluster's members say of pins that are not pinned.
type Unsettled struct {
	// Members are the peer IDs of the cluster's members.
	Members []string
	// Pins has an entry for each pin that some peer has not pinned, with what
	// these peers say. Peers without a word hold the pin.
	Pins map[cid.Cid][]PeerStatus
	// Silent has the peers that did not answer, or are no members any more,
	// and when they last answered (zero: never). Their words in Pins are from
	// then. A peer that is no member and not in here was never heard.
	Silent map[string]time.Time
	// Unsure are the members that have just been started and do not know yet
	// what they have pinned. Any of their pins may be in any state.
	Unsure []string
}

// Matcher decides about a pin's name.
type Matcher func(name string) bool

// Selected is what a Selection finds.
type Selected struct {
	Count int   // all pins that match
	Pins  []Pin // the first of them: created descending, then CID
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
	// Unsettled returns what members say of pins that are not pinned, each
	// within a second.
	Unsettled(ctx context.Context) (Unsettled, error)
	// Status returns what the pin's peers (its allocations, or all members)
	// say of it, each within a second, in a stable order.
	Status(ctx context.Context, p Pin) ([]PeerStatus, error)
	// Delegates returns multiaddrs of the IPFS nodes of the pin's peers, each
	// ending in /p2p/ and the node's ID.
	Delegates(ctx context.Context, p Pin) []string
}

// compare orders pins as lists do: created descending, then CID.
func compare(a, b Pin) int {
	if c := b.Created.Compare(a.Created); c != 0 {
		return c
	}
	return strings.Compare(a.CID.String(), b.CID.String())
}

package pinset

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ipfs/go-cid"
)

// Pin is a pin of the cluster, in the terms of the Pinning Service API.
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

// Before is what a Cluster had for a CID when the caller read it. With it, Put need not
// read the state again.
type Before struct {
	Known  bool
	Stored any // of the Cluster's own type; nil: nothing
}

// Expired reports whether the pin has expired. The cluster removes it at its next state
// sync, every five minutes by default.
func (p Pin) Expired(now time.Time) bool {
	return !p.Expires.IsZero() && p.Expires.Before(now)
}

// State is the state of a pin at one peer: a tracker status, without the differences
// that the API does not show.
type State int

// The states.
const (
	StateQueued  State = iota // waits: everything that is none of the below
	StatePinning              // is being fetched
	StatePinned               // pinned, or sharded
	StateFailed               // pin_error; the tracker will try again
)

// PeerStatus is the status of a pin at one peer.
type PeerStatus struct {
	Peer     string    // peer ID
	Name     string    // the peer's name in the cluster, may be empty
	State    State     // of a silent peer: the last one seen from it
	Text     string    // a failed peer's error, a pinning peer's progress
	Attempts int       // how often the tracker has tried
	Since    time.Time // when the state was entered, zero if not known
	Silent   bool      // the peer returned an error or was late
	NoIPFS   bool      // the peer's IPFS node was late
}

// Selection is the filter of a list. The zero value of each field selects everything,
// but Statuses has to have an element.
type Selection struct {
	Name          *Name             // nil: any name
	Meta          map[string]string // pins that have all of these
	Before, After time.Time         // exclusive, whole milliseconds
	Statuses      []Status          // at least one

	// Max bounds the candidates that are returned.
	Max int
}

// Matches reports whether a pin passes the filters that need no status.
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

// Wants reports whether pins of a status pass.
func (s *Selection) Wants(st Status) bool { return slices.Contains(s.Statuses, st) }

// Selected is the result of a Selection. The statuses that it is based on may be a
// second old. A pin whose status is not known yet passes, since the status of each pin
// of a page is queried again.
type Selected struct {
	Count int         // all pins that match
	First []Candidate // the first of them: created descending, then CID
}

// Candidate is a pin that may be on a page, with its place in the order of lists.
type Candidate struct {
	CID     cid.Cid
	Created time.Time
}

// Cluster is the interface of the Pinning Service API to a cluster peer. It has data
// pins and the roots of sharded adds only. Every method returns early when its context
// ends.
type Cluster interface {
	// Get returns the pin of exactly this CID (version included), or
	// ErrNotFound.
	Get(ctx context.Context, c cid.Cid) (Pin, error)
	// Put stores a pin and returns it as stored, when the local state has it.
	// Created is that of an unexpired pin of the same CID, else a new one;
	// Allocations are chosen by the cluster. Errors: ErrReadOnly, ErrTooLarge,
	// ErrUnavailable, ErrDiskFull.
	Put(ctx context.Context, p Pin) (Pin, error)
	// Delete removes a pin and returns when the local state no longer has it.
	// Errors: ErrNotFound, ErrReadOnly, ErrUnavailable.
	Delete(ctx context.Context, c cid.Cid) error
	// Select returns the pins of a selection.
	Select(ctx context.Context, s Selection) (Selected, error)
	// Status returns the status of a pin at each of its peers (its allocations, or
	// all members), in a stable order. It waits at most a second for each.
	Status(ctx context.Context, p Pin) ([]PeerStatus, error)
	// Delegates returns multiaddrs of the IPFS nodes of the pin's peers, each
	// ending in /p2p/ and the node's ID. peers is the result of Status: the
	// addresses of silent peers are returned only when no others are known.
	Delegates(ctx context.Context, p Pin, peers []PeerStatus) []string
}

// Candidate returns the pin's place in the order of lists.
func (p Pin) Candidate() Candidate { return Candidate{p.CID, p.Created} }

// Compare orders pins as lists do: created descending, then CID.
func Compare(a, b Candidate) int {
	if c := b.Created.Compare(a.Created); c != 0 {
		return c
	}
	return strings.Compare(a.CID.String(), b.CID.String())
}

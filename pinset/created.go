package pinset

import (
	"hash/fnv"
	"strings"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
)

// ReservedPrefix begins the metadata keys that the service keeps for itself
// in the cluster's copy of a pin. Clients never see such keys, and a request
// that names one is refused.
const ReservedPrefix = "pinsvc-"

// CreatedKey is the reserved metadata key that holds a pin's `created`. The
// cluster sets a pin's own timestamp anew on every write and stores whole
// seconds, so the immutable value with milliseconds has to live here.
const CreatedKey = ReservedPrefix + "created"

// createdLayout is RFC 3339 in UTC with exactly three digits of milliseconds:
// JavaScript clients cannot hold more, and clients compare the text.
const createdLayout = "2006-01-02T15:04:05.000Z"

// maxLead bounds how far uniqueness may push `created` ahead of the clock.
const maxLead = time.Second

// IsReserved tells whether a metadata key belongs to the service.
func IsReserved(key string) bool {
	return strings.HasPrefix(key, ReservedPrefix)
}

// EncodeCreated returns t as it is stored and sent: RFC 3339, UTC, three
// digits of milliseconds and "Z" (Pinning Service API, PinStatus.created).
func EncodeCreated(t time.Time) string {
	return t.UTC().Format(createdLayout)
}

// CreatedOf returns when a pin was created, in UTC with milliseconds: what its
// metadata says, or, for a pin that was written by another kind of peer, its
// timestamp's second plus milliseconds derived from the CID. Derived values
// are the same on every peer and spread over the second, so that a client
// that pages by `created` does not meet large groups of equal values.
func CreatedOf(meta map[string]string, timestamp time.Time, c cid.Cid) time.Time {
	return DecodeCreated(meta[CreatedKey], timestamp, c.Bytes())
}

// DecodeCreated is CreatedOf for the value of CreatedKey, "" when there is none,
// and the bytes of a CID.
func DecodeCreated(text string, timestamp time.Time, cid []byte) time.Time {
	if t, err := time.Parse(createdLayout, text); err == nil {
		return t
	}
	h := fnv.New64a()
	h.Write(cid)
	ms := time.Duration(h.Sum64()%1000) * time.Millisecond
	return timestamp.UTC().Truncate(time.Second).Add(ms)
}

// Clock hands out `created` values of one peer: whole milliseconds, unique and
// increasing. A value is at most one second ahead of the wall clock; when more
// than that is asked of it, or when the wall clock is set back by more, values
// repeat rather than run away.
//
// A Clock remembers nothing across a restart. Its predecessor may have been
// one second ahead, so the first value is handed out one second after
// NewClock at the earliest; a peer takes that long to start anyway.
type Clock struct {
	now   func() time.Time
	sleep func(time.Duration)

	mu    sync.Mutex
	start time.Time
	last  time.Time
}

// NewClock returns a Clock on the system's time.
func NewClock() *Clock {
	return ClockOf(time.Now, time.Sleep)
}

// ClockOf returns a Clock on another time, which sleep lets pass: for tests.
func ClockOf(now func() time.Time, sleep func(time.Duration)) *Clock {
	return &Clock{now: now, sleep: sleep, start: now()}
}

// Created returns the `created` of a pin that is about to be stored: that of the stored
// pin of the same CID, else the next value. An expired pin counts as removed; stored is
// not defined when there is none.
func (c *Clock) Created(stored api.Pin) time.Time {
	if stored.Defined() && !stored.ExpiredAt(c.now()) {
		return CreatedOf(stored.Metadata, stored.Timestamp, stored.Cid.Cid)
	}
	return c.Next()
}

// Next returns the next value, in UTC.
func (c *Clock) Next() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.IsZero() {
		c.sleep(maxLead - c.now().Sub(c.start))
	}
	now := c.now()
	next := now.UTC().Truncate(time.Millisecond)
	if !next.After(c.last) {
		next = c.last.Add(time.Millisecond)
	}
	if limit := now.UTC().Add(maxLead).Truncate(time.Millisecond); next.After(limit) {
		next = limit
	}
	c.last = next
	return next
}

package pinset

import (
	"hash/fnv"
	"strings"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
)

// ReservedPrefix is the prefix of metadata keys for internal use. Clients never see
// such keys, and a request that contains one is refused.
const ReservedPrefix = "pinsvc-"

// CreatedKey is the reserved metadata key of a pin's `created`. The timestamp of a pin
// cannot be used: the cluster overwrites it with each write, and stores whole seconds.
const CreatedKey = ReservedPrefix + "created"

// createdLayout is RFC 3339 in UTC with exactly three digits of milliseconds:
// JavaScript clients cannot represent more, and clients compare the text.
const createdLayout = "2006-01-02T15:04:05.000Z"

// maxLead bounds how far ahead of the wall clock a unique `created` may be.
const maxLead = time.Second

// IsReserved reports whether a metadata key is for internal use.
func IsReserved(key string) bool {
	return strings.HasPrefix(key, ReservedPrefix)
}

// EncodeCreated returns t as it is stored and sent: RFC 3339, UTC, three
// digits of milliseconds and "Z" (Pinning Service API, PinStatus.created).
func EncodeCreated(t time.Time) string {
	return t.UTC().Format(createdLayout)
}

// CreatedOf returns the `created` of a pin, in UTC with milliseconds. It is in the
// metadata, unless another kind of peer has written the pin. Then it is the second of
// the timestamp plus milliseconds derived from the CID: the same at every peer, and
// spread over the second, so that a client that pages by `created` does not meet large
// groups of equal values.
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

// Clock generates `created` values for one peer: whole milliseconds, unique and
// increasing. A value is at most one second ahead of the wall clock; at more than 1000
// values a second for long, or when the wall clock is set back by more, values repeat.
//
// A Clock has no state across restarts. The one before may have been a second ahead, so
// the first value is generated at the earliest one second after NewClock; a peer takes
// that long to start anyway.
type Clock struct {
	now   func() time.Time
	sleep func(time.Duration)

	mu    sync.Mutex
	start time.Time
	last  time.Time
}

// NewClock returns a Clock that follows the system time.
func NewClock() *Clock {
	return ClockOf(time.Now, time.Sleep)
}

// ClockOf returns a Clock for tests, with a time of their own.
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

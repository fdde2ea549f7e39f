package pinset

import (
	"iter"
	"time"

	"github.com/ipfs/go-cid"
)

// The time that the `created` of a set are spread over.
const span = 90 * 24 * time.Hour

// begin is when the oldest pin was created.
func begin() time.Time {
	return time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)
}

// Set is a number of pins: pin 0 is the oldest, no two have the same `created`.
// The largest set has as many pins as 90 days have milliseconds.
type Set struct {
	N int
}

// At returns pin i, 0 <= i < N.
func (s Set) At(i int) Pin {
	step := max(span/time.Duration(s.N), time.Millisecond).Truncate(time.Millisecond)
	// Not at even distances, but never at the same millisecond.
	jitter := time.Duration(i%7) * step / 8
	return newPin("set", i, begin().Add(time.Duration(i)*step+jitter).Truncate(time.Millisecond))
}

// Newest yields the pins in the order of a list: `created` descending.
func (s Set) Newest() iter.Seq[Pin] {
	return func(yield func(Pin) bool) {
		for i := s.N - 1; i >= 0; i-- {
			if !yield(s.At(i)) {
				return
			}
		}
	}
}

// CIDs returns the CIDs of all pins.
func (s Set) CIDs() []cid.Cid {
	cids := make([]cid.Cid, 0, s.N)
	for p := range s.Newest() {
		cids = append(cids, p.CID)
	}
	return cids
}

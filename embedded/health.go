package embedded

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ipfs/go-cid"
)

// incompleteNamed bounds how many pins Health names.
const incompleteNamed = 100

// Health is how the blocks on disk are, and how far the checks of them are.
type Health struct {
	// Damaged is the number of blocks that are known to be damaged and were not
	// written anew yet. Found and Healed count, since the start, how many were
	// found and how many damaged ones were written anew.
	Damaged       int
	Found, Healed uint64
	// Incomplete are pins that lack a block and count as not pinned, at most 100
	// of them; IncompletePins is how many there are.
	Incomplete     []Lack
	IncompletePins int
	// GCBlocked are pins because of which the last garbage collection deleted
	// nothing, at most 100; none after one that went well.
	GCBlocked []Lack
	// Full reports whether there is no room for another block of 1 MiB.
	Full bool

	// CheckedBlocks and CheckedBytes were read by checks since the start; Queued
	// pins wait for one.
	CheckedBlocks, CheckedBytes uint64
	Queued                      int
	// Rate is verify_rate in bytes per second. Began and Ended are those of the
	// last pass of the slow check, zero when there was none, and Share is how
	// much of the pass under way is done, from 0 to 1.
	Rate         uint64
	Began, Ended time.Time
	Share        float64
}

// Lack is a pin and a block that it lacks, which may be unknown.
type Lack struct{ Pin, Block cid.Cid }

// Health returns how the blocks are.
func (n *Node) Health(ctx context.Context) (Health, error) {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return Health{}, err
	}
	defer leave()
	d, k := n.store.damaged, n.checker
	h := Health{
		Damaged:       int(d.size.Load()),
		Found:         d.total.Load(),
		Healed:        d.healed.Load(),
		Full:          n.store.room(1<<20) != nil,
		CheckedBlocks: k.blocks.Load(),
		CheckedBytes:  k.bytes.Load(),
		Queued:        k.waiting(),
		Rate:          uint64(n.cfg.VerifyRate),
	}
	state := k.scrub.now()
	h.Began, h.Ended, h.Share = state.Began, state.Ended, state.share()
	broken, err := n.pins.broken(ctx)
	if err != nil {
		return h, err
	}
	h.IncompletePins = len(broken)
	for pin, block := range broken {
		h.Incomplete = append(h.Incomplete, Lack{pin, block})
	}
	h.Incomplete = named(h.Incomplete)
	if gaps := n.gc.blockedBy.Load(); gaps != nil {
		for _, g := range *gaps {
			if _, still := broken[g.pin]; still {
				h.GCBlocked = append(h.GCBlocked, Lack{g.pin, g.block})
			}
		}
		h.GCBlocked = named(h.GCBlocked)
	}
	return h, nil
}

func named(lacks []Lack) []Lack {
	slices.SortFunc(lacks, func(a, b Lack) int { return strings.Compare(a.Pin.String(), b.Pin.String()) })
	return lacks[:min(len(lacks), incompleteNamed)]
}

// share is how much of the pass under way is done. The walk over the pins at its
// end counts nothing.
func (s scrubState) share() float64 {
	if !s.under() || s.Folders == 0 {
		return 0
	}
	return float64(s.Done) / float64(s.Folders)
}

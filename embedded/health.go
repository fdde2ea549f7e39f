package embedded

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
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
	// Refused are pins that lack nothing but count as not pinned, because the codec
	// of a block refuses it; RefusedPins is how many there are. Repeating them does
	// not help.
	Refused     []Lack
	RefusedPins int
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

// Lack is a pin and a block that it lacks, or that is refused. The block may be
// unknown.
type Lack struct{ Pin, Block cid.Cid }

// Health returns how the blocks are.
func (n *Node) Health(ctx context.Context) (Health, error) {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return Health{}, err
	}
	defer leave()
	d, k := n.store.Damaged, n.checker
	h := Health{
		Damaged:       int(d.Size.Load()),
		Found:         d.Total.Load(),
		Healed:        d.Healed.Load(),
		Full:          n.store.Room(1<<20) != nil,
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
	refused := n.refusals.among(ctx, broken, n.store)
	for pin, block := range broken {
		if refused[block] {
			h.Refused = append(h.Refused, Lack{pin, block})
		} else {
			h.Incomplete = append(h.Incomplete, Lack{pin, block})
		}
	}
	h.IncompletePins, h.RefusedPins = len(h.Incomplete), len(h.Refused)
	h.Incomplete, h.Refused = named(h.Incomplete), named(h.Refused)
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

// refusals remembers which blocks are refused by their codec: Health is read at every
// scrape of the metrics, and a block with the hash of its CID never changes.
type refusals struct {
	mu    sync.Mutex
	known map[cid.Cid]bool
}

// among returns which of the blocks that broken pins name are here and refused.
func (r *refusals) among(ctx context.Context, broken map[cid.Cid]cid.Cid, from *storage.Store) map[cid.Cid]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := make(map[cid.Cid]bool)
	for _, block := range broken {
		if _, done := now[block]; done || !block.Defined() || !storage.HasLinks(block) {
			continue
		}
		if here, err := from.Has(ctx, block); err != nil || !here {
			continue
		}
		is, known := r.known[block]
		if !known {
			b, err := from.Get(ctx, block)
			if err != nil {
				continue // it is incomplete, or will be looked at the next time
			}
			_, err = storage.Links(block, b.RawData())
			is = err != nil
		}
		now[block] = is
	}
	r.known = now // only of pins that are still broken, so that it stays small
	return now
}

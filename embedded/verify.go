package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// ErrNotPinned is wrapped by the error of a Verify of a CID that is not pinned.
var ErrNotPinned = errors.New("is not pinned by this peer's IPFS node")

// verifyMemory bounds the nodes that a Verify remembers, so that blocks that pins
// share are read once: 160 MB at most.
const verifyMemory = 4 << 20

// Found is what a Verify has read so far, and what it found.
type Found struct {
	Pins, AllPins uint64 // checked, and to be checked
	Blocks, Bytes uint64 // read; a block counts once for the pins that share it
	BadPins       uint64 // that lack blocks
	BadBlocks     uint64 // of these pins

	// Bad is set when the call is about a block that was found just now.
	Bad *BadBlock
}

// BadBlock is a block that a pin lacks.
type BadBlock struct {
	Lack
	Damaged bool // else it is missing,
	// Refused says why its codec refuses it, if that is what is wrong with it.
	Refused string
}

// verifyEvery is how often a Verify reports at least while it reads.
const verifyEvery = time.Second

// Verify reads all blocks of some pins, or of all pins when none is given, and
// compares them with their hashes. It calls report for every bad block, every now
// and then, and at the end; an error of report ends it. Pins with bad blocks count
// as not pinned from then on and are repaired: see ObserveDamage. It holds nothing
// that pins, or garbage collections, wait for. A CID that is not pinned is an error
// that wraps ErrNotPinned.
func (n *Node) Verify(ctx context.Context, pins []cid.Cid, report func(Found) error) error {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	v := verifier{n.store, n.pins, func(g gap) error { return n.checker.denounce(ctx, g) }}
	return v.verify(ctx, pins, report)
}

// Recorded reports whether the node has c as a pin, complete or not.
func (n *Node) Recorded(ctx context.Context, c cid.Cid) (bool, error) {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	_, recorded, err := n.pins.recorded(ctx, c)
	return recorded, err
}

// Repaired reports whether the pin is complete, or not recorded any more, as far
// as is known.
func (n *Node) Repaired(ctx context.Context, c cid.Cid) (bool, error) {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	_, recorded, err := n.pins.recorded(ctx, c)
	if err != nil || !recorded {
		return err == nil, err
	}
	_, pinned, err := n.pins.get(ctx, c)
	return pinned, err
}

// verification is one Verify.
type verification struct {
	inspection
	found    Found
	reported time.Time
	report   func(Found) error
}

// verifier is what a Verify needs of a running node or of a folder.
type verifier struct {
	store    *storage.Store
	pins     *pinset
	denounce func(gap) error // is called for each bad block
}

// verify checks some pins, all when none is given.
func (r verifier) verify(ctx context.Context, some []cid.Cid, report func(Found) error) error {
	v := &verification{report: report, reported: time.Now()}
	v.inspection = inspection{store: r.store, whole: true, remember: verifyMemory, read: v.note}
	check := func(c cid.Cid, depth int) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return v.one(ctx, c, depth, r.denounce)
	}
	if len(some) > 0 {
		if err := v.some(ctx, r.pins, some, check); err != nil {
			return err
		}
		return report(v.found)
	}
	if err := r.pins.each(ctx, func(cid.Cid, int) error { v.found.AllPins++; return nil }); err != nil {
		return err
	}
	if err := r.pins.each(ctx, check); err != nil {
		return err
	}
	return report(v.found)
}

// some checks the pins that are given.
func (v *verification) some(ctx context.Context, pins *pinset, some []cid.Cid, check func(cid.Cid, int) error) error {
	v.found.AllPins = uint64(len(some))
	for _, c := range some {
		depth, recorded, err := pins.recorded(ctx, c)
		if err == nil && !recorded {
			err = fmt.Errorf("%s %w", c, ErrNotPinned)
		}
		if err == nil {
			err = check(c, depth)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// one checks one pin.
func (v *verification) one(ctx context.Context, c cid.Cid, depth int, denounce func(gap) error) error {
	gaps, err := v.pin(ctx, c, depth)
	if err != nil {
		return err
	}
	v.found.Pins++
	if len(gaps) == 0 {
		return nil
	}
	v.found.BadPins++
	v.found.BadBlocks = v.missed
	for _, g := range gaps {
		told := v.found
		told.Bad = &BadBlock{Lack: Lack{g.pin, g.block}, Damaged: g.damaged}
		if g.refused != nil {
			told.Bad.Refused = g.refused.Why.Error()
		}
		if err := v.report(told); err != nil {
			return err
		}
	}
	return denounce(worst(gaps))
}

// note counts a block and reports now and then.
func (v *verification) note(_ context.Context, bytes int) error {
	v.found.Blocks++
	v.found.Bytes += uint64(bytes)
	if time.Since(v.reported) < verifyEvery {
		return nil
	}
	v.reported = time.Now()
	return v.report(v.found)
}

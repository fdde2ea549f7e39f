package peer

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/embedded"
	"github.com/ipfs-cluster/pinsvc/restapi"
)

// repairPoll is how often a verification looks whether bad pins are repaired.
// For repairStart a repair that has not begun has not failed.
const (
	repairPoll  = 200 * time.Millisecond
	repairStart = 3 * time.Second
)

// ownBlocks are the blocks of the peer's embedded node (restapi.Blocks). The node
// is there when the peer is ready.
type ownBlocks struct{ peer *Peer }

// Health implements restapi.Blocks.
func (b ownBlocks) Health(ctx context.Context) (restapi.BlockHealth, error) {
	node, err := b.node()
	if err != nil {
		return restapi.BlockHealth{}, err
	}
	h, err := node.Health(ctx)
	if err != nil {
		return restapi.BlockHealth{}, blocksError(err)
	}
	moment := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	return restapi.BlockHealth{
		Damaged: h.Damaged, Found: h.Found, Healed: h.Healed,
		Incomplete: lackLines(h.Incomplete), IncompletePins: h.IncompletePins,
		GCBlocked: lackLines(h.GCBlocked), Full: h.Full,
		CheckedBlocks: h.CheckedBlocks, CheckedBytes: h.CheckedBytes, Queued: h.Queued,
		Rate: h.Rate, Began: moment(h.Began), Ended: moment(h.Ended), Share: h.Share,
	}, nil
}

func lackLines(lacks []embedded.Lack) []restapi.LackLine {
	lines := []restapi.LackLine{}
	for _, l := range lacks {
		lines = append(lines, restapi.LackLine{Pin: l.Pin.String(), Block: cidText(l.Block)})
	}
	return lines
}

// cidText is empty for no CID.
func cidText(c cid.Cid) string {
	if !c.Defined() {
		return ""
	}
	return c.String()
}

func (b ownBlocks) node() (*embedded.Node, error) {
	if b.peer.node == nil { // another connector was given to Start
		return nil, restapi.NotFound("this peer has no IPFS node inside whose blocks it could check")
	}
	return b.peer.node, nil
}

// blocksError says in the API's words what a node's error is.
func blocksError(err error) error {
	switch {
	case errors.Is(err, embedded.ErrNotPinned):
		return restapi.NotFound(err.Error())
	case errors.Is(err, embedded.ErrNotRunning):
		return restapi.Unavailable("the peer is stopping", err)
	}
	return err
}

// errUnread ends a verification that nobody reads any more.
var errUnread = errors.New("nobody reads the answer")

// Verify implements restapi.Blocks.
func (b ownBlocks) Verify(ctx context.Context, c api.Cid, wait bool) iter.Seq2[restapi.Verified, error] {
	return func(yield func(restapi.Verified, error) bool) {
		node, err := b.node()
		if err != nil {
			yield(restapi.Verified{}, err)
			return
		}
		v := verification{peer: b.peer, node: node, yield: yield, bad: make(map[cid.Cid]bool)}
		err = node.Verify(ctx, c.Cid, v.found)
		if err == nil && wait {
			err = v.repaired(ctx)
		}
		switch {
		case errors.Is(err, errUnread):
		case err != nil:
			yield(restapi.Verified{}, blocksError(err))
		default:
			v.last.Done = true
			yield(v.last, nil)
		}
	}
}

// verification is one Verify.
type verification struct {
	peer  *Peer
	node  *embedded.Node
	yield func(restapi.Verified, error) bool
	last  restapi.Verified
	bad   map[cid.Cid]bool // pins with bad blocks; true when repaired, or given up
}

func (v *verification) found(f embedded.Found) error {
	v.last = restapi.Verified{
		Pins: f.Pins, AllPins: f.AllPins, Blocks: f.Blocks, Bytes: f.Bytes, BadPins: f.BadPins, BadBlocks: f.BadBlocks,
	}
	line := v.last
	if f.Bad != nil {
		v.bad[f.Bad.Pin] = false
		line.Bad = &restapi.BadBlock{Pin: f.Bad.Pin.String(), Block: cidText(f.Bad.Block), Damaged: f.Bad.Damaged, Refused: f.Bad.Refused}
	}
	if !v.yield(line, nil) {
		return errUnread
	}
	return nil
}

// repaired waits until the bad pins are complete, or the attempt to repair them
// has failed.
func (v *verification) repaired(ctx context.Context) error {
	tick := time.NewTicker(repairPoll)
	defer tick.Stop()
	began := time.Now()
	for reported := began; ; {
		waiting := false
		for c, settled := range v.bad {
			if settled {
				continue
			}
			if err := v.settle(ctx, c, time.Since(began)); err != nil {
				return err
			}
			waiting = waiting || !v.bad[c]
		}
		if !waiting {
			return nil
		}
		if time.Since(reported) > time.Second {
			reported = time.Now()
			if !v.yield(v.last, nil) {
				return errUnread
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// settle notes how the repair of a pin has ended, if it has.
func (v *verification) settle(ctx context.Context, c cid.Cid, waited time.Duration) error {
	done, err := v.node.Repaired(ctx, c)
	if err != nil {
		return err
	}
	if done {
		v.bad[c] = true
		v.last.Repaired++
		return nil
	}
	if _, _, fetching := v.node.Progress(c); fetching || waited < repairStart {
		return nil
	}
	switch v.peer.local.tracker.Status(ctx, api.NewCid(c)).Status {
	case api.TrackerStatusPinError, api.TrackerStatusUnpinned: // the latter is not in the pinset
		v.bad[c] = true
	}
	return nil
}

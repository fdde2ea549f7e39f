package verify

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs/go-cid"
	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/consensus/shards"
	"github.com/ipfs-cluster/pinsvc/embedded"
	"github.com/ipfs-cluster/pinsvc/pinset"
	"github.com/ipfs-cluster/pinsvc/restapi"
)

// repairPoll is the interval between checks whether bad pins are repaired. Until
// repairStart has passed, a repair that has not begun does not count as failed.
const (
	repairPoll  = 200 * time.Millisecond
	repairStart = 3 * time.Second
)

// Peer is the part of a running peer that a verification uses.
type Peer struct {
	ID      libp2p.ID
	Node    *embedded.Node // nil: the peer has none
	State   func(context.Context) (state.ReadOnly, error)
	Tracker Tracker
	Shards  *shards.Keeper
}

// Tracker repairs pins, and returns the status of a repair.
type Tracker interface {
	Recover(context.Context, api.Cid) (api.PinInfo, error)
	Status(context.Context, api.Cid) api.PinInfo
}

// Live are the blocks of a running peer's embedded node. It implements
// restapi.Blocks.
type Live struct{ peer func() Peer }

// NewLive returns the blocks of the peer that the function returns. It is called
// once the peer is ready.
func NewLive(peer func() Peer) Live { return Live{peer} }

// Health implements restapi.Blocks.
func (b Live) Health(ctx context.Context) (restapi.BlockHealth, error) {
	node, err := b.peer().node()
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
		Refused: lackLines(h.Refused), RefusedPins: h.RefusedPins,
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

func (p Peer) node() (*embedded.Node, error) {
	if p.Node == nil { // another connector was given to Start
		return nil, pinset.NotFound("this peer has no IPFS node inside whose blocks it could check")
	}
	return p.Node, nil
}

// blocksError translates an error of a node into one of the API.
func blocksError(err error) error {
	switch {
	case errors.Is(err, embedded.ErrNotPinned):
		return pinset.NotFound(err.Error())
	case errors.Is(err, embedded.ErrNotRunning):
		return pinset.Unavailable("the peer is stopping", err)
	}
	return err
}

// errUnread ends a verification whose client has stopped reading. It is never reported.
var errUnread = errors.New("nobody reads the answer")

// Verify implements restapi.Blocks.
func (b Live) Verify(ctx context.Context, c api.Cid, wait bool) iter.Seq2[restapi.Verified, error] {
	return func(yield func(restapi.Verified, error) bool) {
		peer := b.peer()
		node, err := peer.node()
		if err != nil {
			yield(restapi.Verified{}, err)
			return
		}
		v := verification{peer: peer, node: node, yield: yield, bad: make(map[cid.Cid]badPin)}
		err = v.run(ctx, c, wait)
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
	peer  Peer
	node  *embedded.Node
	yield func(restapi.Verified, error) bool
	last  restapi.Verified
	bad   map[cid.Cid]badPin
}

// badPin is a pin that lacks something.
type badPin struct {
	settled bool // it was repaired, or given up
	lack    bool // it is a part that is not pinned here, or a root that lacks parts
}

// run verifies a pin, a root or everything, and repairs it if wanted.
func (v *verification) run(ctx context.Context, c api.Cid, wait bool) error {
	root, err := v.root(ctx, c)
	if err != nil {
		return err
	}
	if root == nil {
		if err := v.node.Verify(ctx, chosen(c.Cid), reportTo(v.line)); err != nil || !wait {
			return err
		}
		return v.repaired(ctx)
	}
	for {
		// Parts may be known only after others were repaired.
		if more, err := root.verify(ctx); err != nil || !more || !wait {
			return err
		}
		if err := v.repaired(ctx); err != nil {
			return err
		}
	}
}

// root returns how to verify the root of a sharded pin, nil when c is none.
func (v *verification) root(ctx context.Context, c api.Cid) (*rootCheck, error) {
	if !c.Defined() {
		return nil, nil
	}
	st, err := v.peer.State(ctx)
	if err != nil {
		return nil, err
	}
	root, err := isRoot(ctx, st, c)
	if err != nil || !root {
		return nil, err
	}
	return &rootCheck{
		root: c, peer: v.peer.ID, keeper: v.peer.Shards, state: st, node: v.node, report: v.line,
	}, nil
}

// line reports a line, and records the bad pin in it for a repair.
func (v *verification) line(line restapi.Verified) error {
	bad := func(pin string, b badPin) {
		if c, err := cid.Decode(pin); err == nil {
			v.bad[c] = b
		}
	}
	switch {
	case line.Bad != nil:
		bad(line.Bad.Pin, badPin{})
	case line.Lack != nil:
		bad(line.Lack.Pin, badPin{lack: true})
	}
	line.Repaired = v.last.Repaired
	v.last = line
	v.last.Bad, v.last.Lack, v.last.Elsewhere = nil, nil, nil
	if !v.yield(line, nil) {
		return errUnread
	}
	return nil
}

// repaired waits until the bad pins are complete, or the attempt to repair them
// has failed. Meanwhile it sends the totals about once a second.
func (v *verification) repaired(ctx context.Context) error {
	for c, b := range v.bad {
		if b.lack && !b.settled { // those with bad blocks are being repaired
			if _, err := v.peer.Tracker.Recover(ctx, api.NewCid(c)); err != nil {
				return err
			}
		}
	}
	tick := time.NewTicker(repairPoll)
	defer tick.Stop()
	began := time.Now()
	for reported := began; ; {
		waiting := false
		for c, b := range v.bad {
			if b.settled {
				continue
			}
			if err := v.settle(ctx, c, time.Since(began)); err != nil {
				return err
			}
			waiting = waiting || !v.bad[c].settled
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

// settle marks a bad pin as settled when its repair has succeeded or failed.
func (v *verification) settle(ctx context.Context, c cid.Cid, waited time.Duration) error {
	b := v.bad[c]
	done, err := v.complete(ctx, c, b.lack)
	if err != nil {
		return err
	}
	if done {
		b.settled = true
		v.bad[c] = b
		v.last.Repaired++
		return nil
	}
	if _, _, fetching := v.node.Progress(c); fetching || waited < repairStart {
		return nil
	}
	switch v.peer.Tracker.Status(ctx, api.NewCid(c)).Status {
	case api.TrackerStatusPinError, api.TrackerStatusUnpinned: // the latter is not in the pinset
		b.settled = true
		v.bad[c] = b
	}
	return nil
}

// complete reports whether a bad pin lacks nothing any more.
func (v *verification) complete(ctx context.Context, c cid.Cid, lack bool) (bool, error) {
	if !lack {
		return v.node.Repaired(ctx, c)
	}
	st, err := v.peer.State(ctx)
	if err != nil {
		return false, err
	}
	if root, err := isRoot(ctx, st, api.NewCid(c)); err != nil || root {
		if err != nil {
			return false, err
		}
		r, err := v.peer.Shards.Check(ctx, api.NewCid(c))
		return err == nil && r.Lack == "", err
	}
	if recorded, err := v.node.Recorded(ctx, c); err != nil || !recorded {
		return false, err
	}
	return v.node.Repaired(ctx, c)
}

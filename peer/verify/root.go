package verify

import (
	"context"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs/go-cid"
	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/consensus/shards"
	"github.com/ipfs-cluster/pinsvc/embedded"
	"github.com/ipfs-cluster/pinsvc/pinset"
	"github.com/ipfs-cluster/pinsvc/restapi"
)

// notPinnedHere is what a part lacks that is allocated to this peer.
const notPinnedHere = "it is not pinned by this peer's IPFS node yet"

// blockNode is an embedded.Node, or the embedded.Folder of a stopped peer, so that one
// rootCheck serves both.
type blockNode interface {
	Verify(ctx context.Context, pins []cid.Cid, report func(embedded.Found) error) error
	Recorded(context.Context, cid.Cid) (bool, error)
}

// rootCheck verifies a sharded pin: its cluster DAG and its shards, which are pins
// of their own, on one or on several peers.
type rootCheck struct {
	root   api.Cid
	peer   libp2p.ID // this one
	keeper *shards.Keeper
	state  state.ReadOnly
	node   blockNode
	report func(restapi.Verified) error

	total  restapi.Verified
	known  map[cid.Cid]bool // parts that were verified or reported
	lacked bool             // what the root lacks was reported
}

// verify reads the blocks of the parts that this peer has to pin, and reports the
// others. It reports whether there were parts that an earlier call did not know.
func (r *rootCheck) verify(ctx context.Context) (more bool, err error) {
	root, err := r.keeper.Check(ctx, r.root)
	if err != nil {
		return false, err
	}
	if r.known == nil {
		r.known = make(map[cid.Cid]bool)
	}
	var here []cid.Cid
	for _, c := range root.Parts {
		if r.known[c.Cid] {
			continue
		}
		local, err := r.part(ctx, c)
		if err != nil {
			return false, err
		}
		if local {
			here = append(here, c.Cid)
		}
		more = more || r.known[c.Cid]
	}
	if root.Lack != "" && !r.lacked {
		r.lacked, more = true, true
		if err := r.lack(r.root, root.Lack); err != nil {
			return false, err
		}
	}
	if len(here) == 0 {
		return more, r.report(r.total)
	}
	// The node counts from 0 in each call, so the totals of earlier parts are added.
	base := r.total
	return more, r.node.Verify(ctx, here, reportTo(func(line restapi.Verified) error {
		line = sum(base, line)
		r.total = line
		r.total.Bad = nil
		return r.report(line)
	}))
}

// part reports whether the IPFS node of this peer has a part as a pin. It reports
// one that is elsewhere, or should be here. One that is not in the pinset is what
// the root lacks.
func (r *rootCheck) part(ctx context.Context, c api.Cid) (here bool, err error) {
	pin, err := pinset.Stored(ctx, r.state, c)
	if err != nil || !pin.Defined() {
		return false, err
	}
	r.known[c.Cid] = true
	if pin.IsRemotePin(r.peer) {
		r.total.ElsewherePins++
		line := r.total
		line.Elsewhere = &restapi.Elsewhere{Pin: c.String()}
		for _, id := range pin.Allocations {
			line.Elsewhere.Peers = append(line.Elsewhere.Peers, id.String())
		}
		return false, r.report(line)
	}
	recorded, err := r.node.Recorded(ctx, c.Cid)
	if err != nil || recorded {
		return recorded, err
	}
	r.total.Pins++
	r.total.AllPins++
	return false, r.lack(c, notPinnedHere)
}

// lack reports an incomplete pin.
func (r *rootCheck) lack(c api.Cid, why string) error {
	r.total.BadPins++
	line := r.total
	line.Lack = &restapi.PinLack{Pin: c.String(), Why: why}
	return r.report(line)
}

// sum adds a line about further pins to what was found before them.
func sum(base, line restapi.Verified) restapi.Verified {
	line.Pins += base.Pins
	line.AllPins += base.AllPins
	line.Blocks += base.Blocks
	line.Bytes += base.Bytes
	line.BadPins += base.BadPins
	line.BadBlocks += base.BadBlocks
	line.ElsewherePins += base.ElsewherePins
	return line
}

// reportTo turns what a node found into lines of the API.
func reportTo(report func(restapi.Verified) error) func(embedded.Found) error {
	return func(f embedded.Found) error {
		line := restapi.Verified{
			Pins: f.Pins, AllPins: f.AllPins, Blocks: f.Blocks, Bytes: f.Bytes, BadPins: f.BadPins, BadBlocks: f.BadBlocks,
		}
		if f.Bad != nil {
			line.Bad = &restapi.BadBlock{Pin: f.Bad.Pin.String(), Block: cidText(f.Bad.Block), Damaged: f.Bad.Damaged, Refused: f.Bad.Refused}
		}
		return report(line)
	}
}

// chosen returns the list of pins to verify for a CID: nil, which means all pins, when it
// is not defined.
func chosen(c cid.Cid) []cid.Cid {
	if !c.Defined() {
		return nil
	}
	return []cid.Cid{c}
}

// isRoot reports whether a state has the root of a sharded add for a CID.
func isRoot(ctx context.Context, st state.ReadOnly, c api.Cid) (bool, error) {
	pin, err := pinset.Stored(ctx, st, c)
	return err == nil && pin.Type == api.MetaType && pin.Reference != nil, err
}

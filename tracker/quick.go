package tracker

import (
	"context"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// QuickStatus is Status for an answer to a client, of a pin that was read from the
// state for that answer. For a pin that is pinned it reads no state, and asks only
// the IPFS node, which it does not ask when that was seen to have the pin a moment
// ago. Everything else is left to Status.
func (t *Tracker) QuickStatus(ctx context.Context, pin api.Pin) api.PinInfo {
	if pin.Type != api.MetaType && !pin.IsRemotePin(t.options.Peer) &&
		(t.seenPinned(ctx, pin) || t.foundPinned(ctx, pin)) {
		return t.pinned(pin)
	}
	return t.Status(ctx, pin.Cid)
}

// idle reports whether nothing is being done about a CID.
func (t *Tracker) idle(ctx context.Context, c api.Cid) bool {
	_, noted := t.queue.get(c)
	return !noted && t.InnerTracker.OpContext(ctx, c) == nil
}

// seenPinned reports whether the IPFS node was seen to have a pin a moment ago.
func (t *Tracker) seenPinned(ctx context.Context, pin api.Pin) bool {
	if t.options.Verified == nil {
		return false
	}
	status, ok := t.options.Verified(pin.Cid)
	// Work that began after the node's answer counts. Work that began and ended
	// meanwhile has left the answer outdated, which then is forgotten: it is read
	// again last.
	if !ok || !status.IsPinned(pin.MaxDepth) || !t.idle(ctx, pin.Cid) {
		return false
	}
	again, ok := t.options.Verified(pin.Cid)
	return ok && again == status
}

// foundPinned asks the IPFS node whether it has a pin. The inner tracker would do
// the same after another read of the state, and by RPC.
func (t *Tracker) foundPinned(ctx context.Context, pin api.Pin) bool {
	if !t.idle(ctx, pin.Cid) {
		return false
	}
	status, err := t.options.IPFS.PinLsCid(ctx, pin)
	return err == nil && status.IsPinned(pin.MaxDepth) && t.idle(ctx, pin.Cid)
}

// pinned returns the status of a pin that is pinned.
func (t *Tracker) pinned(pin api.Pin) api.PinInfo {
	return api.PinInfo{
		Cid:         pin.Cid,
		Name:        pin.Name,
		Peer:        t.options.Peer,
		Allocations: pin.Allocations,
		Origins:     pin.Origins,
		Created:     pin.Timestamp,
		Metadata:    pin.Metadata,
		PinInfoShort: api.PinInfoShort{
			PeerName: t.options.Peername,
			Status:   api.TrackerStatusPinned,
			TS:       pin.Timestamp,
		},
	}
}

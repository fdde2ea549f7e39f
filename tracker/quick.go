package tracker

import (
	"context"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// QuickStatus is Status for a pin that was just read from the state, or written to it.
// For a pin of this peer without an operation it reads no state: it asks the IPFS node,
// or relies on an answer of the node that is at most a second old (Options.Verified).
// The other cases are those of Status.
func (t *Tracker) QuickStatus(ctx context.Context, pin api.Pin) api.PinInfo {
	if pin.Type != api.MetaType && !pin.IsRemotePin(t.options.Peer) {
		if t.seenPinned(ctx, pin) {
			return t.pinned(pin)
		}
		if info, ok := t.nodeStatus(ctx, pin); ok {
			return info
		}
	}
	return t.Status(ctx, pin.Cid)
}

// idle reports whether a CID is not in the queue and has no operation.
func (t *Tracker) idle(ctx context.Context, c api.Cid) bool {
	_, noted := t.queue.get(c)
	return !noted && t.InnerTracker.OpContext(ctx, c) == nil
}

// seenPinned reports whether the IPFS node had the pin within the last second.
func (t *Tracker) seenPinned(ctx context.Context, pin api.Pin) bool {
	if t.options.Verified == nil {
		return false
	}
	status, ok := t.options.Verified(pin.Cid)
	if !ok || !status.IsPinned(pin.MaxDepth) || !t.idle(ctx, pin.Cid) {
		return false
	}
	// An unpin that began and ended since the first call has invalidated the cached
	// answer, and idle does not show it: read again last.
	again, ok := t.options.Verified(pin.Cid)
	return ok && again == status
}

// nodeStatus returns the status of a pin by the answer of the IPFS node. The library's
// tracker would also ask the node, by RPC and after another read of the state. ok is
// false when more than the node's answer is needed.
func (t *Tracker) nodeStatus(ctx context.Context, pin api.Pin) (info api.PinInfo, ok bool) {
	if _, _, ok := t.nodeDecides(ctx, pin.Cid); !ok {
		return info, false
	}
	status, err := t.options.IPFS.PinLsCid(ctx, pin)
	e, queued, ok := t.nodeDecides(ctx, pin.Cid)
	switch {
	case err != nil || !ok: // or an operation began while the node was asked
		return info, false
	case status.IsPinned(pin.MaxDepth):
		return t.pinned(pin), true
	}
	return t.queued(e), queued
}

// nodeDecides reports whether the status of a pin of this peer follows from the IPFS
// node's answer: no operation is under way, and the queue has no entry of the CID, or
// one whose IPFS status is unknown, which is returned.
func (t *Tracker) nodeDecides(ctx context.Context, c api.Cid) (e entry, queued, ok bool) {
	e, queued = t.queue.get(c)
	ok = !queued || t.mine(e) && !t.unpinned(e)
	return e, queued, ok && t.InnerTracker.OpContext(ctx, c) == nil
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

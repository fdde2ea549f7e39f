package wrap

import (
	"context"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// verifiedTime is how long what was seen at the IPFS node is as good for an
// answer as what would be seen now. Whoever unpins behind the peer's back is
// noticed that much later.
const verifiedTime = time.Second

// verified remembers for a moment how the IPFS node has what was pinned just
// now. Whoever sends a pin wants to know right after it, and most often it is
// pinned by then: without this, each would be one more request to the node.
// Nothing is decided by it. The zero value is ready to use.
type verified struct {
	mu     sync.Mutex
	unpins uint64 // beginnings and ends
	turned time.Time
	now    map[api.Cid]sighting
	before map[api.Cid]sighting
}

type sighting struct {
	status api.IPFSPinStatus
	at     time.Time
}

// begin is called before a CID is pinned, and returns what saw wants.
func (v *verified) begin(c api.Cid) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.remove(c)
	return v.unpins
}

// saw remembers what the node said. It does not when something is unpinned
// meanwhile, which may be that.
func (v *verified) saw(c api.Cid, status api.IPFSPinStatus, begun uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.unpins != begun {
		return
	}
	at := time.Now()
	if v.now == nil || at.Sub(v.turned) > verifiedTime {
		v.turned, v.before, v.now = at, v.now, make(map[api.Cid]sighting)
	}
	v.now[c] = sighting{status, at}
}

// forget is called before and after a CID is unpinned.
func (v *verified) forget(c api.Cid) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.unpins++
	v.remove(c)
}

func (v *verified) remove(c api.Cid) {
	delete(v.now, c)
	delete(v.before, c)
}

// get returns what the node said of a CID a moment ago.
func (v *verified) get(c api.Cid) (api.IPFSPinStatus, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.now[c]
	if !ok {
		s, ok = v.before[c]
	}
	if !ok || time.Since(s.at) >= verifiedTime {
		return api.IPFSPinStatusBug, false
	}
	return s.status, true
}

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

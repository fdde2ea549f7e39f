package tracker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// fromIPFS are the statuses that the inner tracker does not have in memory: it lists the
// pins of the state for them and, except for the last two, of the IPFS node.
const fromIPFS = api.TrackerStatusPinned | api.TrackerStatusUnexpectedlyUnpinned |
	api.TrackerStatusSharded | api.TrackerStatusRemote

// compareWait is how long a list of statuses waits for a sweep in progress.
const compareWait = 500 * time.Millisecond

// Status returns this peer's status of a CID. A pin that has an entry in the queue and no
// operation yet is queued.
func (t *Tracker) Status(ctx context.Context, c api.Cid) api.PinInfo {
	e, ok := t.queue.get(c)
	if !ok {
		return t.withProgress(t.rootStatus(ctx, t.InnerTracker.Status(ctx, c)))
	}
	if t.unpinned(e) && t.mine(e) && t.InnerTracker.OpContext(ctx, c) == nil {
		return t.queued(e) // no need to ask IPFS
	}
	return t.withProgress(t.rootStatus(ctx, t.overlay(e, t.InnerTracker.Status(ctx, c))))
}

// StatusAll sends this peer's statuses that match a filter, and closes out.
//
// The inner tracker holds the lock that Track needs while it sends from its
// memory, so that is collected before it is sent. Larger lists, which also
// have what is pinned, are passed on as they come: they are made without that
// lock. Until the first comparison with IPFS, a list of what is queued is not
// complete, and ends with an error.
func (t *Tracker) StatusAll(ctx context.Context, filter api.TrackerStatus, out chan<- api.PinInfo) error {
	defer close(out)
	send := func(info api.PinInfo) bool {
		select {
		case out <- info:
			return true
		case <-ctx.Done():
			return false
		case <-t.ctx.Done():
			return false
		}
	}
	if filter.Match(fromIPFS) {
		return t.statusAllFromIPFS(ctx, filter, send)
	}
	var compared error
	if filter.Match(api.TrackerStatusPinQueued) {
		compared = t.compared(ctx)
	}
	infos, err := t.statusAllFromMemory(ctx, filter)
	if err != nil {
		return err
	}
	for _, info := range infos {
		if !send(info) {
			return t.ended(ctx)
		}
	}
	return compared
}

// statusAllFromMemory returns the statuses of the queue and of the inner tracker's
// operations. The queue is read first: a pin moves from the queue to an operation, and
// would be missed in the other order.
func (t *Tracker) statusAllFromMemory(ctx context.Context, filter api.TrackerStatus) ([]api.PinInfo, error) {
	if k := t.options.Shards; k == nil || !k.Any() || !filter.Match(notPinned) {
		return t.operations(ctx, filter)
	}
	// A root's status depends on that of all its parts.
	all, err := t.operations(ctx, filter|notPinned)
	if err != nil {
		return nil, err
	}
	all = append(all, t.rootStatuses(ctx, all)...)
	return slices.DeleteFunc(all, func(info api.PinInfo) bool { return !info.Status.Match(filter) }), nil
}

// operations returns the statuses of statusAllFromMemory without the roots of sharded
// adds.
func (t *Tracker) operations(ctx context.Context, filter api.TrackerStatus) ([]api.PinInfo, error) {
	noted := make(map[api.Cid]entry)
	if filter.Match(api.TrackerStatusPinQueued) {
		for _, c := range t.queue.cids() {
			if e, ok := t.queue.get(c); ok && t.mine(e) && t.maybeUnpinned(e) {
				noted[c] = e
			}
		}
	}
	var infos []api.PinInfo
	err := t.collect(ctx, filter, func(info api.PinInfo) {
		delete(noted, info.Cid)
		if e, ok := t.queue.get(info.Cid); ok {
			if info = t.overlay(e, info); !info.Status.Match(filter) {
				return
			}
		}
		infos = append(infos, t.withProgress(info))
	})
	// Entries without an operation. Those with one were corrected by overlay.
	for _, e := range noted {
		infos = append(infos, t.queued(e))
	}
	return infos, err
}

// statusAllFromIPFS sends a list that needs the state and the IPFS node.
func (t *Tracker) statusAllFromIPFS(ctx context.Context, filter api.TrackerStatus, send func(api.PinInfo) bool) error {
	roots, err := t.unpinnedRoots(ctx)
	if err != nil {
		return err
	}
	wider := filter
	if filter != api.TrackerStatusUndefined && filter.Match(api.TrackerStatusPinQueued) {
		wider |= operations | api.TrackerStatusUnexpectedlyUnpinned // what waits in the queue may be any of these
	}
	stopped := false
	err = t.list(ctx, wider, func(info api.PinInfo) bool {
		if _, ok := roots[info.Cid]; ok {
			return true
		}
		if e, ok := t.queue.get(info.Cid); ok {
			info = t.overlay(e, info)
		}
		if !info.Status.Match(filter) {
			return true
		}
		stopped = !send(t.withProgress(info))
		return !stopped
	})
	for _, info := range roots {
		if !stopped && info.Status.Match(filter) {
			stopped = !send(info)
		}
	}
	if stopped {
		return t.ended(ctx)
	}
	return err
}

// unpinnedRoots returns the statuses of the roots of sharded adds that are not
// pinned.
func (t *Tracker) unpinnedRoots(ctx context.Context) (map[api.Cid]api.PinInfo, error) {
	if k := t.options.Shards; k == nil || !k.Any() {
		return nil, nil
	}
	all, err := t.operations(ctx, notPinned)
	if err != nil {
		return nil, err
	}
	roots := make(map[api.Cid]api.PinInfo)
	for _, info := range t.rootStatuses(ctx, all) {
		roots[info.Cid] = info
	}
	return roots, nil
}

// ended returns the error of a list whose caller, or this peer, has gone away.
func (t *Tracker) ended(ctx context.Context) error {
	return fmt.Errorf("sending statuses: %w", errors.Join(ctx.Err(), t.ctx.Err()))
}

// collect calls fn for each status that the inner tracker has.
func (t *Tracker) collect(ctx context.Context, filter api.TrackerStatus, fn func(api.PinInfo)) error {
	infos := make(chan api.PinInfo, 1024)
	failed := make(chan error, 1)
	go func() { failed <- t.InnerTracker.StatusAll(ctx, filter, infos) }()
	for info := range infos {
		fn(info)
	}
	return <-failed
}

// mine reports whether an entry is of a pin that this peer has to pin.
func (t *Tracker) mine(e entry) bool {
	if e.gone || !e.pin.Defined() {
		return false
	}
	return e.lost || e.pin.Type != api.MetaType && !e.pin.IsRemotePin(t.options.Peer)
}

// unpinned reports whether the pin of an entry is certainly not pinned yet.
func (t *Tracker) unpinned(e entry) bool {
	return e.nodeState == nodeNotPinned || e.nodeState == nodeUnknown && t.isNew(e)
}

// maybeUnpinned reports whether a list of unpinned pins must include the pin of an entry:
// readers of the list take all other pins for pinned.
func (t *Tracker) maybeUnpinned(e entry) bool {
	if t.unpinned(e) {
		return true
	}
	_, known := e.pin.Metadata[pinset.CreatedKey]
	return e.nodeState == nodeUnknown && (e.lost || !known)
}

// overlay returns the inner tracker's status of a queued pin. A status that is about to be
// replaced by pinning is queued.
func (t *Tracker) overlay(e entry, info api.PinInfo) api.PinInfo {
	switch info.Status {
	case api.TrackerStatusUnpinned, api.TrackerStatusUnexpectedlyUnpinned, api.TrackerStatusPinError,
		api.TrackerStatusUnpinQueued, api.TrackerStatusUnpinning, api.TrackerStatusUnpinError:
		if t.mine(e) {
			return t.queued(e)
		}
	}
	return info
}

// queued returns the status of an entry whose pin waits to be pinned.
func (t *Tracker) queued(e entry) api.PinInfo {
	return api.PinInfo{
		Cid:         e.cid,
		Name:        e.pin.Name,
		Peer:        t.options.Peer,
		Allocations: e.pin.Allocations,
		Origins:     e.pin.Origins,
		Created:     e.pin.Timestamp,
		Metadata:    e.pin.Metadata,
		PinInfoShort: api.PinInfoShort{
			PeerName: t.options.Peername,
			Status:   api.TrackerStatusPinQueued,
			TS:       e.at,
		},
	}
}

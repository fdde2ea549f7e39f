package tracker

import (
	"context"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// Bounds of the backoff after an error of the state or of the inner tracker.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second

	// operationTimeout bounds reading the status of an operation. It is in memory,
	// but when the operation ends meanwhile, the inner tracker asks the IPFS node.
	operationTimeout = 250 * time.Millisecond
)

// work reconciles entries until the queue is closed.
func (t *Tracker) work() {
	for {
		e, ok := t.queue.take()
		if !ok {
			return
		}
		granted := t.places.granted(e.cid)
		t.reconcile(e)
		if granted != nil {
			t.places.unused(e.cid, granted)
		}
	}
}

// reconcile brings the inner tracker in line with the state for one CID.
func (t *Tracker) reconcile(e entry) {
	pin, found := e.pin, !e.gone
	if !e.known {
		var err error
		if pin, found, err = t.stored(e.cid); err != nil {
			logger.Warnf("reading the state for %s: %s", e.cid, err)
			t.queue.later(e, backoff.Delay(firstRetry, lastRetry, e.tries+1))
			return
		}
	}
	switch {
	case !found:
		t.removed(e)
	case pin.Type == api.MetaType:
		if e.changed && t.options.Shards != nil && !t.isNew(e) {
			t.sentAgain(e.cid)
		}
		t.recent.add(e.cid)
		t.queue.done(e) // only its shards are pinned
	case pin.IsRemotePin(t.options.Peer):
		e.pin = pin
		t.remote(e)
	default:
		e.pin = pin
		t.local(e)
	}
}

// stored reads the pin of a CID from the state; false when there is none.
func (t *Tracker) stored(c api.Cid) (api.Pin, bool, error) {
	st, err := t.options.State(t.ctx)
	if err != nil {
		return api.Pin{}, false, err
	}
	pin, err := pinset.Stored(t.ctx, st, c)
	return pin, pin.Defined(), err
}

// local reconciles a pin that this peer has to pin.
func (t *Tracker) local(e entry) {
	operation := t.InnerTracker.OpContext(t.ctx, e.cid)
	status, attempts := t.operation(e.cid, operation)
	switch status {
	case api.TrackerStatusPinQueued, api.TrackerStatusPinning:
		if t.places.shedding(e.cid) {
			t.queue.later(e, firstRetry)
			return
		}
		// The running operation keeps its value: the library would write the new
		// one into an operation that its worker may be reading.
		t.queue.done(e)
		if e.changed {
			t.watch(operation, e.pin)
			if t.options.Origins != nil {
				t.options.Origins(e.pin)
			}
		}
		return
	case api.TrackerStatusUndefined:
	case api.TrackerStatusPinError:
		t.pinOrWait(e, attempts)
		return
	default: // an unpin is pending, which must not remove the pin's blocks
		t.pin(e, t.places.force(e.pin))
		return
	}
	unpinned := t.unpinned(e)
	t.recent.add(e.cid)
	switch {
	case unpinned:
		t.pinOrWait(e, 0)
	case e.nodeState == nodePinned:
		if e.changed {
			t.check(e.cid)
		}
		t.queue.done(e)
	default:
		t.queue.park(e)
		t.near.Push(lookup{e.pin, e.seq})
	}
}

// removed reconciles a pin that is not in the state any more.
func (t *Tracker) removed(e entry) {
	switch operation, _ := t.operation(e.cid, t.InnerTracker.OpContext(t.ctx, e.cid)); operation {
	case api.TrackerStatusUnpinQueued, api.TrackerStatusUnpinning:
		t.queue.done(e) // a running operation is not changed, see local
	default:
		t.unpin(e)
	}
}

// remote reconciles a pin that only other peers have to pin.
func (t *Tracker) remote(e entry) {
	operation, _ := t.operation(e.cid, t.InnerTracker.OpContext(t.ctx, e.cid))
	switch {
	case operation == api.TrackerStatusUnpinQueued || operation == api.TrackerStatusUnpinning:
		t.queue.done(e)
	case operation != api.TrackerStatusUndefined || e.nodeState == nodePinned:
		t.unpin(e)
	case e.nodeState == nodeNotPinned:
		t.queue.done(e)
	default:
		t.queue.park(e)
		t.far.Push(lookup{e.pin, e.seq})
	}
}

// operation returns the status of a CID's operation in the inner tracker and the number of
// its attempts. The status is undefined when there is none or it has just succeeded.
func (t *Tracker) operation(c api.Cid, operation context.Context) (api.TrackerStatus, int) {
	if operation == nil {
		return api.TrackerStatusUndefined, 0
	}
	ctx, cancel := context.WithTimeout(t.ctx, operationTimeout)
	defer cancel()
	switch info := t.InnerTracker.Status(ctx, c); info.Status {
	case api.TrackerStatusPinQueued, api.TrackerStatusPinning, api.TrackerStatusPinError,
		api.TrackerStatusUnpinQueued, api.TrackerStatusUnpinning, api.TrackerStatusUnpinError:
		return info.Status, info.AttemptCount
	default:
		return api.TrackerStatusUndefined, 0
	}
}

// pinOrWait hands a pin to the inner tracker if it has a place. Otherwise the pin is parked
// and waits for a place.
func (t *Tracker) pinOrWait(e entry, attempts int) {
	if l := t.places.hand(e.pin); l != nil {
		t.pin(e, l)
		return
	}
	e.nodeState, e.standby = nodeNotPinned, false
	t.queue.park(e)
	t.places.await(e, attempts)
}

// pin hands a pin to the inner tracker, which always has a free worker for it.
func (t *Tracker) pin(e entry, l *place) {
	err := t.InnerTracker.Track(t.ctx, e.pin)
	var operation context.Context
	if err == nil {
		operation = t.InnerTracker.OpContext(t.ctx, e.cid)
	}
	t.places.follow(l, operation)
	t.finish(e, err)
}

// unpin has the inner tracker unpin a CID.
func (t *Tracker) unpin(e entry) {
	t.finish(e, t.InnerTracker.Untrack(t.ctx, e.cid))
}

// finish completes an entry. An error means that the queue of the inner tracker is full:
// then the entry is reconciled again later.
func (t *Tracker) finish(e entry, err error) {
	if err != nil {
		logger.Warnf("tracking %s: %s", e.cid, err)
		t.queue.later(e, backoff.Delay(firstRetry, lastRetry, e.tries+1))
		return
	}
	t.queue.done(e)
}

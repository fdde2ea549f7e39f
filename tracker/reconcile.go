package tracker

import (
	"context"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// A state or a tracker that fails is tried again after these times.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second

	// operationTimeout bounds a look at an operation. It takes no time unless
	// the operation ends at that moment and the IPFS node is asked instead.
	operationTimeout = 250 * time.Millisecond
)

// work looks at entries until the queue is closed.
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
		t.nowhere(e)
	case pin.Type == api.MetaType:
		if e.changed && t.options.Shards != nil && !t.isNew(e) {
			t.sentAgain(e.cid)
		}
		t.recent.add(e.cid)
		t.queue.done(e) // only its shards are pinned
	case pin.IsRemotePin(t.options.Peer):
		e.pin = pin
		t.elsewhere(e)
	default:
		e.pin = pin
		t.here(e)
	}
}

// stored returns what the state has for a CID.
func (t *Tracker) stored(c api.Cid) (api.Pin, bool, error) {
	st, err := t.options.State(t.ctx)
	if err != nil {
		return api.Pin{}, false, err
	}
	pin, err := pinset.Stored(t.ctx, st, c)
	return pin, pin.Defined(), err
}

// here sees to it that a pin of this peer is pinned.
func (t *Tracker) here(e entry) {
	operation := t.InnerTracker.OpContext(t.ctx, e.cid)
	status, attempts := t.operation(e.cid, operation)
	switch status {
	case api.TrackerStatusPinQueued, api.TrackerStatusPinning:
		if t.places.shedding(e.cid) {
			t.queue.later(e, firstRetry)
			return
		}
		// It goes on with what it was given: the library writes a new value
		// into an operation that its worker may be reading.
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
		t.admit(e, attempts)
		return
	default: // it is about to be unpinned: what is here must not go
		t.pin(e, t.places.force(e.pin))
		return
	}
	unpinned := t.unpinned(e)
	t.recent.add(e.cid)
	switch {
	case unpinned:
		t.admit(e, 0)
	case e.held == heldYes:
		if e.changed {
			t.check(e.cid)
		}
		t.queue.done(e)
	default:
		t.queue.park(e)
		t.near.Push(question{e.pin, e.seq})
	}
}

// nowhere sees to it that a pin that was removed is not pinned.
func (t *Tracker) nowhere(e entry) {
	switch operation, _ := t.operation(e.cid, t.InnerTracker.OpContext(t.ctx, e.cid)); operation {
	case api.TrackerStatusUnpinQueued, api.TrackerStatusUnpinning:
		t.queue.done(e) // not touched while it runs, see here
	default:
		t.drop(e)
	}
}

// elsewhere sees to it that a pin of other peers is not pinned here.
func (t *Tracker) elsewhere(e entry) {
	operation, _ := t.operation(e.cid, t.InnerTracker.OpContext(t.ctx, e.cid))
	switch {
	case operation == api.TrackerStatusUnpinQueued || operation == api.TrackerStatusUnpinning:
		t.queue.done(e)
	case operation != api.TrackerStatusUndefined || e.held == heldYes:
		t.drop(e)
	case e.held == heldNo:
		t.queue.done(e)
	default:
		t.queue.park(e)
		t.far.Push(question{e.pin, e.seq})
	}
}

// operation returns the status of the CID's operation in the inner tracker,
// undefined when there is none or it has just succeeded, and how often it was
// attempted.
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

// admit hands a pin to the inner tracker if it has a place, and else has it wait
// for one.
func (t *Tracker) admit(e entry, attempts int) {
	if l := t.places.hand(e.pin); l != nil {
		t.pin(e, l)
		return
	}
	e.held, e.standby = heldNo, false
	t.queue.park(e)
	t.places.await(e, attempts)
}

// pin hands a pin to the inner tracker, which begins at once.
func (t *Tracker) pin(e entry, l *place) {
	err := t.InnerTracker.Track(t.ctx, e.pin)
	var operation context.Context
	if err == nil {
		operation = t.InnerTracker.OpContext(t.ctx, e.cid)
	}
	t.places.follow(l, operation)
	t.finish(e, err)
}

// drop has the inner tracker unpin a CID.
func (t *Tracker) drop(e entry) {
	t.finish(e, t.InnerTracker.Untrack(t.ctx, e.cid))
}

// finish ends the work on an entry, or puts it off when the inner tracker
// refused, whose queue is full then.
func (t *Tracker) finish(e entry, err error) {
	if err != nil {
		logger.Warnf("tracking %s: %s", e.cid, err)
		t.queue.later(e, backoff.Delay(firstRetry, lastRetry, e.tries+1))
		return
	}
	t.queue.done(e)
}

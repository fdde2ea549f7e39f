package tracker

import (
	"container/list"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// ticket is a pin that waits for a place.
type ticket struct {
	cid      api.Cid
	seq      uint64 // of its entry in the queue
	level    int    // how often its attempts gave way to others
	priority bool   // young, and not tried often: goes before others
	best     uint64 // blocks that any attempt had
	ready    time.Time
}

// waiting holds the pins that wait for a place, each once. Pins that were never tried are
// in newcomers, the others in returned, so that thousands of pins without a provider do
// not delay a new one. Its methods are called with places.mu held.
type waiting struct {
	tickets   map[api.Cid]*list.Element
	newcomers [2]list.List // with priority, without
	returned  list.List    // of attempts that gave way or failed
	newest    bool         // the end of newcomers that is served next
	others    bool         // returned pins are served next
}

func newWaiting() *waiting {
	return &waiting{tickets: make(map[api.Cid]*list.Element)}
}

// orderBound bounds by how many positions a newcomer is moved to its own.
const orderBound = 64

// add appends a ticket to its list. A CID that waits already keeps its position and its
// level.
func (w *waiting) add(t ticket) {
	if e, ok := w.tickets[t.cid]; ok {
		old := e.Value.(*ticket)
		old.seq = t.seq
		return
	}
	l := w.list(&t)
	e := l.PushBack(&t)
	w.tickets[t.cid] = e
	if t.level > 0 {
		return
	}
	// Several workers add tickets: the order is that of the changes.
	before := e.Prev()
	for range orderBound {
		if before == nil || before.Value.(*ticket).seq < t.seq {
			break
		}
		before = before.Prev()
	}
	if before != nil {
		l.MoveAfter(e, before)
	}
}

// list returns the list that a ticket belongs to.
func (w *waiting) list(t *ticket) *list.List {
	switch {
	case t.level > 0:
		return &w.returned
	case t.priority:
		return &w.newcomers[0]
	default:
		return &w.newcomers[1]
	}
}

// renew makes a returned pin a newcomer. It reports whether c was a returned pin.
func (w *waiting) renew(c api.Cid) bool {
	e, ok := w.tickets[c]
	if !ok || e.Value.(*ticket).level == 0 {
		return false
	}
	t := *e.Value.(*ticket)
	w.remove(e)
	t.level, t.priority, t.ready = 0, true, time.Time{}
	w.add(t)
	return true
}

func (w *waiting) remove(e *list.Element) {
	t := e.Value.(*ticket)
	w.list(t).Remove(e)
	delete(w.tickets, t.cid)
}

func (w *waiting) len() int { return len(w.tickets) }

// next removes and returns the pin that gets the next place: newcomers and
// returned pins in turn, of the latter none above a level. Of the newcomers, the
// oldest and the newest are served in turn: a pin that comes after thousands of
// others need not wait for all of them, and none waits for ever.
func (w *waiting) next(now time.Time, level int) (ticket, bool) {
	w.others = !w.others
	first, second := w.newcomer, w.comeback
	if w.others {
		first, second = second, first
	}
	e := first(now, level)
	if e == nil {
		e = second(now, level)
	}
	if e == nil {
		return ticket{}, false
	}
	w.remove(e)
	return *e.Value.(*ticket), true
}

// newcomer returns the next pin that was never tried: with priority first, then the oldest
// and the newest in turn.
func (w *waiting) newcomer(time.Time, int) *list.Element {
	for i := range w.newcomers {
		l := &w.newcomers[i]
		if l.Len() == 0 {
			continue
		}
		w.newest = !w.newest
		if w.newest {
			return l.Back()
		}
		return l.Front()
	}
	return nil
}

// scanBound bounds how many returned pins are examined for one place.
const scanBound = 1024

// comeback returns the first returned pin of at most a level whose backoff is over.
func (w *waiting) comeback(now time.Time, level int) *list.Element {
	e := w.returned.Front()
	for range scanBound {
		if e == nil {
			return nil
		}
		if t := e.Value.(*ticket); !t.ready.After(now) && t.level <= level {
			return e
		}
		e = e.Next()
	}
	return nil
}

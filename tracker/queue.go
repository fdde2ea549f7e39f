package tracker

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// held is what the IPFS node has said about a pin.
type held int

const (
	heldUnknown held = iota
	heldYes          // pinned, to the right depth
	heldNo
)

// entry is a CID that a worker has to look at, with what is known of it.
type entry struct {
	cid  api.Cid
	seq  uint64    // of the last change: what belongs to an older one is ignored
	at   time.Time // of the last change
	pin  api.Pin   // the newest value that is known; may not be defined
	gone bool      // the state has no pin

	known   bool // pin and gone are what the state has
	changed bool // there was a change; else it is only looked at again
	lost    bool // the IPFS node did not have it when all were compared
	fresh   bool // the state had nothing for the CID before pin
	held    held // what the IPFS node says, for this change
	tries   int  // looks without a result

	standby bool // it was put here for an attempt that gives way

	waits bool // it is in a line
	busy  bool // a worker has it
}

// queue notes CIDs for workers. A CID is in it once, whatever happens to it,
// and only one worker has it at a time. What a worker is told to try again
// comes after what has changed.
type queue struct {
	mu      sync.Mutex
	more    sync.Cond
	entries map[api.Cid]*entry
	changes uint64    // how many there were
	first   []api.Cid // changed
	then    []api.Cid // to be tried again
	closed  bool
}

func newQueue() *queue {
	q := &queue{entries: make(map[api.Cid]*entry)}
	q.more.L = &q.mu
	return q
}

// change notes a change of a CID. edit sets what it brings.
func (q *queue) change(c api.Cid, edit func(*entry)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, ok := q.entries[c]
	if !ok {
		e = &entry{cid: c}
		q.entries[c] = e
	}
	q.changes++
	e.seq, e.at = q.changes, time.Now()
	e.changed, e.lost, e.fresh, e.standby, e.held, e.tries = true, false, false, false, heldUnknown, 0
	edit(e)
	q.enqueue(e, &q.first)
}

// again notes that a pin is to be looked at without a new change, unless that
// happens anyway. edit sets why.
func (q *queue) again(pin api.Pin, edit func(*entry)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.entries[pin.Cid]; ok {
		return
	}
	q.changes++
	e := &entry{cid: pin.Cid, seq: q.changes, at: time.Now(), pin: pin}
	edit(e)
	q.entries[pin.Cid] = e
	q.enqueue(e, &q.then)
}

// enqueue puts an entry into a line, unless its worker will do so.
func (q *queue) enqueue(e *entry, line *[]api.Cid) {
	if e.busy || q.closed {
		return
	}
	// It may be in a line already, and then is taken where it comes first.
	e.waits = true
	*line = append(*line, e.cid)
	q.more.Signal()
}

// take waits for an entry and gives a copy to a worker, which must call one of
// done, later and park. It returns false once the queue is closed.
func (q *queue) take() (entry, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed {
		line := &q.first
		if len(*line) == 0 {
			line = &q.then
		}
		if len(*line) == 0 {
			q.more.Wait()
			continue
		}
		c := (*line)[0]
		*line = (*line)[1:]
		if e, ok := q.entries[c]; ok && e.waits && !e.busy {
			e.waits, e.busy = false, true
			return *e, true
		}
	}
	return entry{}, false
}

// back takes an entry back from its worker. It returns nil when there was a
// change meanwhile: then what the worker found is of no use.
func (q *queue) back(e entry) *entry {
	now, ok := q.entries[e.cid]
	if !ok {
		return nil
	}
	now.busy = false
	if now.seq != e.seq {
		q.enqueue(now, &q.first)
		return nil
	}
	e.busy, e.waits = false, false
	*now = e
	return now
}

// done forgets an entry.
func (q *queue) done(e entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.back(e) != nil {
		delete(q.entries, e.cid)
	}
}

// later has the entry looked at again after a time.
func (q *queue) later(e entry, d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := q.back(e); now != nil {
		now.tries++
		q.enqueueAfter(now, d)
	}
}

// park keeps an entry until answer.
func (q *queue) park(e entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.back(e)
}

// resume has a parked entry looked at, unless there was a change since.
func (q *queue) resume(c api.Cid, seq uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, ok := q.entries[c]
	if !ok || e.seq != seq || e.waits || e.busy {
		return false
	}
	q.enqueue(e, &q.first)
	return true
}

// hold parks an entry of a pin whose attempt is about to give way, so that it
// counts as queued from then on. It reports false when the CID is noted already.
func (q *queue) hold(pin api.Pin) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.entries[pin.Cid]; ok {
		return false
	}
	q.changes++
	q.entries[pin.Cid] = &entry{
		cid: pin.Cid, seq: q.changes, at: time.Now(), pin: pin, held: heldNo, standby: true,
	}
	return true
}

// holds returns the number of the entry that hold has parked, if it is there and
// nothing has changed.
func (q *queue) holds(c api.Cid) (seq uint64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, ok := q.entries[c]
	if !ok || !e.standby {
		return 0, false
	}
	return e.seq, true
}

// unhold forgets what hold has parked, unless there was a change.
func (q *queue) unhold(c api.Cid) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e, ok := q.entries[c]; ok && e.standby {
		delete(q.entries, c)
	}
}

// answer has a parked entry looked at, with what the IPFS node said. An answer
// that is not known comes after a time.
func (q *queue) answer(c api.Cid, seq uint64, h held, wait func(tries int) time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, ok := q.entries[c]
	if !ok || e.seq != seq {
		return
	}
	e.held = h
	if h != heldUnknown {
		q.enqueue(e, &q.first)
		return
	}
	e.tries++
	q.enqueueAfter(e, wait(e.tries))
}

// enqueueAfter puts an entry into a line after a time, unless it changes.
func (q *queue) enqueueAfter(e *entry, d time.Duration) {
	c, seq := e.cid, e.seq
	time.AfterFunc(d, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if e, ok := q.entries[c]; ok && e.seq == seq && !e.waits {
			q.enqueue(e, &q.first)
		}
	})
}

// get returns what is noted of a CID.
func (q *queue) get(c api.Cid) (entry, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e, ok := q.entries[c]; ok {
		return *e, true
	}
	return entry{}, false
}

// cids returns what is noted, whatever it is.
func (q *queue) cids() []api.Cid {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Collect(maps.Keys(q.entries))
}

// size returns the number of pins that are noted and not gone.
func (q *queue) size() (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.entries {
		if !e.gone {
			n++
		}
	}
	return n
}

// close makes take return false.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Broadcast()
}

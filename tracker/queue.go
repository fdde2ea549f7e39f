package tracker

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// nodeState is the state of a pin at the IPFS node.
type nodeState int

const (
	nodeUnknown nodeState = iota
	nodePinned            // pinned, to the right depth
	nodeNotPinned
)

// entry is a CID that is to be reconciled, with everything known about it.
type entry struct {
	cid  api.Cid
	seq  uint64    // of the last change: what belongs to an older one is ignored
	at   time.Time // of the last change
	pin  api.Pin   // the newest value that is known; may not be defined
	gone bool      // the state has no pin

	known     bool      // pin and gone are what the state has
	changed   bool      // there was a change; else it is only looked at again
	lost      bool      // the IPFS node did not have it when all were compared
	fresh     bool      // the state had nothing for the CID before pin
	nodeState nodeState // what the IPFS node says, for this change
	tries     int       // looks without a result

	standby bool // it stands for an attempt that was preempted and will be repeated

	waits bool // it is in a line
	busy  bool // a worker has it
}

// queue is a queue of CIDs for the workers, without duplicates: several changes of a CID
// make one entry, and one worker at a time has it. Changed CIDs come before CIDs that are
// reconciled again.
type queue struct {
	mu      sync.Mutex
	more    sync.Cond
	entries map[api.Cid]*entry
	changes uint64    // counts changes; the source of entry.seq
	first   []api.Cid // FIFO of changed CIDs
	then    []api.Cid // FIFO of CIDs to be reconciled again
	closed  bool
}

func newQueue() *queue {
	q := &queue{entries: make(map[api.Cid]*entry)}
	q.more.L = &q.mu
	return q
}

// change enqueues a changed CID. edit sets the fields that the change determines.
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
	e.changed, e.lost, e.fresh, e.standby, e.nodeState, e.tries = true, false, false, false, nodeUnknown, 0
	edit(e)
	q.enqueue(e, &q.first)
}

// again enqueues a pin that has not changed, unless the queue has its CID. edit sets the
// fields that say why.
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

// enqueue appends an entry to one of the FIFOs. An entry that a worker has is appended
// when the worker returns it.
func (q *queue) enqueue(e *entry, line *[]api.Cid) {
	if e.busy || q.closed {
		return
	}
	// A CID may be in both FIFOs, or twice in one; take ignores all but the first.
	e.waits = true
	*line = append(*line, e.cid)
	q.more.Signal()
}

// take waits for an entry and returns a copy of it. The worker must return it by one of
// done, later and park. take returns false once the queue is closed.
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

// back returns an entry from its worker to the queue. The result is nil when the CID has
// changed meanwhile, which makes the worker's findings outdated.
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

// done removes an entry that a worker has finished.
func (q *queue) done(e entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.back(e) != nil {
		delete(q.entries, e.cid)
	}
}

// later returns an entry that is to be reconciled again after a delay.
func (q *queue) later(e entry, d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := q.back(e); now != nil {
		now.tries++
		q.enqueueAfter(now, d)
	}
}

// park returns an entry that waits for lookedUp or resume.
func (q *queue) park(e entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.back(e)
}

// resume enqueues a parked entry. It returns false when the CID has changed since.
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

// hold parks an entry of a pin whose attempt is about to be preempted, so that the pin
// counts as queued from now on. It returns false when the queue has the CID already.
func (q *queue) hold(pin api.Pin) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.entries[pin.Cid]; ok {
		return false
	}
	q.changes++
	q.entries[pin.Cid] = &entry{
		cid: pin.Cid, seq: q.changes, at: time.Now(), pin: pin, nodeState: nodeNotPinned, standby: true,
	}
	return true
}

// standby returns the sequence number of the entry that hold has parked. ok is false when
// the CID has changed since.
func (q *queue) standby(c api.Cid) (seq uint64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, ok := q.entries[c]
	if !ok || !e.standby {
		return 0, false
	}
	return e.seq, true
}

// unhold removes the entry that hold has parked, unless the CID has changed since.
func (q *queue) unhold(c api.Cid) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e, ok := q.entries[c]; ok && e.standby {
		delete(q.entries, c)
	}
}

// lookedUp enqueues a parked entry with the result of its lookup; after a delay if the
// lookup has failed, so that it is repeated.
func (q *queue) lookedUp(c api.Cid, seq uint64, h nodeState, wait func(tries int) time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, ok := q.entries[c]
	if !ok || e.seq != seq {
		return
	}
	e.nodeState = h
	if h != nodeUnknown {
		q.enqueue(e, &q.first)
		return
	}
	e.tries++
	q.enqueueAfter(e, wait(e.tries))
}

// enqueueAfter enqueues an entry after a delay, unless it changes before.
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

// get returns a copy of the entry of a CID; false when there is none.
func (q *queue) get(c api.Cid) (entry, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e, ok := q.entries[c]; ok {
		return *e, true
	}
	return entry{}, false
}

// cids returns the CIDs of all entries, removed pins included.
func (q *queue) cids() []api.Cid {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Collect(maps.Keys(q.entries))
}

// size returns the number of entries that are not of removed pins.
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

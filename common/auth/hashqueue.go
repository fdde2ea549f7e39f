package auth

import (
	"container/list"
	"context"
	"errors"
	"runtime"
	"sync"
)

const (
	// maxHashWaits is how many requests may wait to have a password hashed, in
	// all and of one address. A wait costs a goroutine and its connection. The
	// first right password of a client that sends hundreds of requests at once
	// is hashed once for all of them, so the bounds leave room for that.
	maxHashWaits           = 2048
	maxHashWaitsPerAddress = 512
)

// Why a password was not hashed.
var (
	errAddressQueueFull = errors.New("too many passwords of this address wait to be verified")
	errQueueFull        = errors.New("too many passwords wait to be verified")
)

// hashQueue bounds how many passwords are hashed at once, so that others can
// use the processor, too. Addresses take turns: one that sends a thousand
// passwords delays another by one of them, not by all.
type hashQueue struct {
	mu      sync.Mutex
	free    int // hashes that may begin at once
	waiting int // of all addresses
	queues  map[string]*addressQueue
	turns   list.List // of *addressQueue, each with at least one wait
}

// addressQueue holds the waits of one address, oldest first.
type addressQueue struct {
	addr  string
	waits list.List // of chan error, each with room for one
}

// newHashQueue allows as many hashes at once as half of the processors.
func newHashQueue() *hashQueue {
	return &hashQueue{
		free:   max(1, runtime.GOMAXPROCS(0)/2),
		queues: make(map[string]*addressQueue),
	}
}

// enter waits for the turn of an address. A nil error means that leave is to be
// called after the hash. waited is false when the error came at once.
func (q *hashQueue) enter(ctx context.Context, addr string) (leave func(), waited bool, err error) {
	turn, err := q.join(addr)
	if err != nil {
		return nil, false, err
	}
	if turn == nil {
		return q.leave, false, nil
	}
	select {
	case err = <-turn:
	case <-ctx.Done():
		if q.remove(addr, turn) {
			return nil, true, ctx.Err()
		}
		err = <-turn // decided meanwhile
	}
	if err != nil {
		return nil, true, err
	}
	return q.leave, true, nil
}

// join takes a free hash (a nil channel), or a place at the end of the
// address's queue.
func (q *hashQueue) join(addr string) (chan error, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free > 0 {
		q.free--
		return nil, nil
	}
	if err := q.makeRoom(addr); err != nil {
		return nil, err
	}
	own := q.queues[addr]
	if own == nil {
		own = &addressQueue{addr: addr}
		q.queues[addr] = own
		q.turns.PushBack(own)
	}
	turn := make(chan error, 1)
	own.waits.PushBack(turn)
	q.waiting++
	return turn, nil
}

// makeRoom fails when the address may not wait. In a full queue the newest wait
// of the longest address queue gives way, unless that is about the address
// itself.
func (q *hashQueue) makeRoom(addr string) error {
	own := 0
	if have := q.queues[addr]; have != nil {
		own = have.waits.Len()
	}
	if own >= maxHashWaitsPerAddress {
		return errAddressQueueFull
	}
	if q.waiting < maxHashWaits {
		return nil
	}
	var longest *addressQueue
	for _, other := range q.queues {
		if longest == nil || other.waits.Len() > longest.waits.Len() {
			longest = other
		}
	}
	if longest.waits.Len() <= own+1 {
		return errQueueFull
	}
	q.take(longest, longest.waits.Back()) <- errQueueFull
	return nil
}

// take removes a wait from its queue, and an empty queue from the turns.
func (q *hashQueue) take(from *addressQueue, wait *list.Element) chan error {
	turn, _ := from.waits.Remove(wait).(chan error)
	q.waiting--
	if from.waits.Len() == 0 {
		delete(q.queues, from.addr)
		for e := q.turns.Front(); e != nil; e = e.Next() {
			if e.Value == from {
				q.turns.Remove(e)
				break
			}
		}
	}
	return turn
}

// remove ends a wait whose client has gone or whose time is over. It returns
// false when the wait has ended otherwise.
func (q *hashQueue) remove(addr string, turn chan error) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	own := q.queues[addr]
	if own == nil {
		return false
	}
	for e := own.waits.Front(); e != nil; e = e.Next() {
		if e.Value == turn {
			q.take(own, e)
			return true
		}
	}
	return false
}

// leave passes the hash on to the next address.
func (q *hashQueue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	next := q.turns.Front()
	if next == nil {
		q.free++
		return
	}
	q.turns.MoveToBack(next)
	from, _ := next.Value.(*addressQueue)
	q.take(from, from.waits.Front()) <- nil
}

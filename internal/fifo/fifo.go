// Package fifo has a queue between goroutines: a channel without a bound, whose Close does
// not race with Push.
package fifo

import "sync"

// Queue is a first-in first-out queue without a bound, for producers that must not block.
// It is safe for concurrent use.
type Queue[T any] struct {
	mu     sync.Mutex
	more   sync.Cond
	values []T
	closed bool
}

// New returns an empty queue.
func New[T any]() *Queue[T] {
	q := &Queue[T]{}
	q.more.L = &q.mu
	return q
}

// Push appends a value. After Close it is lost.
func (q *Queue[T]) Push(v T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.values = append(q.values, v)
	q.more.Signal()
}

// Pop waits for the first value and removes it. It returns false once the queue is closed.
func (q *Queue[T]) Pop() (T, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.values) == 0 && !q.closed {
		q.more.Wait()
	}
	var v T
	if q.closed {
		return v, false
	}
	v, q.values[0] = q.values[0], v
	q.values = q.values[1:]
	return v, true
}

// Close makes every Pop return false. Values that are left are lost.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.values = nil
	q.more.Broadcast()
}

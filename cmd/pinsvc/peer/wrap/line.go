package wrap

import "sync"

// line is a first-in first-out queue without a bound.
type line[T any] struct {
	mu     sync.Mutex
	more   sync.Cond
	values []T
	closed bool
}

func newLine[T any]() *line[T] {
	l := &line[T]{}
	l.more.L = &l.mu
	return l
}

func (l *line[T]) push(v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.values = append(l.values, v)
	l.more.Signal()
}

// pop waits for a value. It returns false once the line is closed.
func (l *line[T]) pop() (T, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.values) == 0 && !l.closed {
		l.more.Wait()
	}
	var v T
	if l.closed {
		return v, false
	}
	v, l.values[0] = l.values[0], v
	l.values = l.values[1:]
	return v, true
}

// close lets all that wait in pop return. What is left is forgotten.
func (l *line[T]) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.values = nil
	l.more.Broadcast()
}

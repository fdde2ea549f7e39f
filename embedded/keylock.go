package embedded

import (
	"context"
	"sync"

	"github.com/ipfs/go-cid"
)

// keyLock is one lock for each CID, taken by whoever changes its pin. It exists
// only while somebody holds or awaits it.
type keyLock struct {
	mu    sync.Mutex
	locks map[cid.Cid]*keyLockEntry
}

type keyLockEntry struct {
	held  chan struct{} // full while somebody holds the lock
	users int
}

func newKeyLock() *keyLock {
	return &keyLock{locks: make(map[cid.Cid]*keyLockEntry)}
}

// lock waits for the lock of c, or for the end of ctx.
func (l *keyLock) lock(ctx context.Context, c cid.Cid) (unlock func(), err error) {
	e := l.join(c)
	select {
	case e.held <- struct{}{}:
		return l.unlock(c, e), nil
	case <-ctx.Done():
		l.leave(c, e)
		return nil, context.Cause(ctx)
	}
}

// try takes the lock of c if nobody holds it.
func (l *keyLock) try(c cid.Cid) (unlock func(), ok bool) {
	e := l.join(c)
	select {
	case e.held <- struct{}{}:
		return l.unlock(c, e), true
	default:
		l.leave(c, e)
		return nil, false
	}
}

func (l *keyLock) unlock(c cid.Cid, e *keyLockEntry) func() {
	return func() {
		<-e.held
		l.leave(c, e)
	}
}

func (l *keyLock) join(c cid.Cid) *keyLockEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.locks[c]
	if !ok {
		e = &keyLockEntry{held: make(chan struct{}, 1)}
		l.locks[c] = e
	}
	e.users++
	return e
}

func (l *keyLock) leave(c cid.Cid, e *keyLockEntry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.users--; e.users == 0 {
		delete(l.locks, c)
	}
}

package consensus

import (
	"context"
	"sync"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// keyLocks are mutexes by CID. They exist only while they are used.
type keyLocks struct {
	mu    sync.Mutex
	locks map[api.Cid]*keyLock
}

type keyLock struct {
	held    chan struct{}  // has a value while somebody holds the lock
	changed chan struct{}  // has a value when latest has changed
	users   int            // holder and waiters, guarded by keyLocks.mu
	latest  *pinset.Change // since the lock exists, guarded by keyLocks.mu
}

// turn is what the holder of a lock has.
type turn struct {
	changed <-chan struct{}              // has a value after each change
	latest  func() (pinset.Change, bool) // the last change, if there was one
	end     func()                       // gives the lock back
}

func newKeyLocks() *keyLocks {
	return &keyLocks{locks: make(map[api.Cid]*keyLock)}
}

// lock waits for the lock of a CID. It returns the context's error when that
// ends first.
func (k *keyLocks) lock(ctx context.Context, c api.Cid) (turn, error) {
	k.mu.Lock()
	l, ok := k.locks[c]
	if !ok {
		l = &keyLock{held: make(chan struct{}, 1), changed: make(chan struct{}, 1)}
		k.locks[c] = l
	}
	l.users++
	k.mu.Unlock()

	select {
	case l.held <- struct{}{}:
		latest := func() (pinset.Change, bool) {
			k.mu.Lock()
			defer k.mu.Unlock()
			if l.latest == nil {
				return pinset.Change{}, false
			}
			return *l.latest, true
		}
		return turn{l.changed, latest, func() { <-l.held; k.leave(c, l) }}, nil
	case <-ctx.Done():
		k.leave(c, l)
		return turn{}, ctx.Err()
	}
}

func (k *keyLocks) leave(c api.Cid, l *keyLock) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(k.locks, c)
	}
}

// observe passes a change to the holder of the lock of its CID, if there is one.
func (k *keyLocks) observe(change pinset.Change) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l, ok := k.locks[change.CID]; ok {
		l.latest = &change
		select {
		case l.changed <- struct{}{}:
		default:
		}
	}
}

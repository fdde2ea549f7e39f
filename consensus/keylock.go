package consensus

import (
	"context"
	"sync"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// keyLocks has a lock for each CID that is being written or waited for.
type keyLocks struct {
	mu    sync.Mutex
	locks map[api.Cid]*keyLock
}

type keyLock struct {
	held    chan struct{}  // has a value while the lock is held
	changed chan struct{}  // has a value when latest has changed
	users   int            // holder and waiters; guarded by keyLocks.mu
	latest  *pinset.Change // the last one since the lock exists; guarded by keyLocks.mu
}

// keyHandle is a held lock.
type keyHandle struct {
	changed <-chan struct{}              // has a value after each change
	latest  func() (pinset.Change, bool) // the last change; false when there was none
	end     func()                       // releases the lock
}

func newKeyLocks() *keyLocks {
	return &keyLocks{locks: make(map[api.Cid]*keyLock)}
}

// lock acquires the lock of a CID. Its error is the context's.
func (k *keyLocks) lock(ctx context.Context, c api.Cid) (keyHandle, error) {
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
		return keyHandle{l.changed, latest, func() { <-l.held; k.leave(c, l) }}, nil
	case <-ctx.Done():
		k.leave(c, l)
		return keyHandle{}, ctx.Err()
	}
}

func (k *keyLocks) leave(c api.Cid, l *keyLock) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(k.locks, c)
	}
}

// observe notifies the holder of the lock of a changed CID, if there is one.
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

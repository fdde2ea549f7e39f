package tracker

import (
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// recentTime is at least how long a CID is remembered.
const recentTime = time.Minute

// recent remembers CIDs for a while.
type recent struct {
	mu     sync.Mutex
	turned time.Time
	now    map[api.Cid]struct{}
	before map[api.Cid]struct{}
}

func (r *recent) add(c api.Cid) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil || time.Since(r.turned) > recentTime {
		r.turned, r.before, r.now = time.Now(), r.now, make(map[api.Cid]struct{})
	}
	r.now[c] = struct{}{}
}

func (r *recent) has(c api.Cid) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, now := r.now[c]
	_, before := r.before[c]
	return now || before
}

// isNew tells whether a noted pin was created just now, so that the IPFS node
// need not be asked whether it has it. A pin was created when it was last
// written, unless that was so short a time ago that two writes look like one:
// then this tracker remembers the first.
func (t *Tracker) isNew(e entry) bool {
	if e.fresh {
		return true
	}
	if _, ok := e.pin.Metadata[pinset.CreatedKey]; !ok {
		return false // nobody knows
	}
	created := pinset.CreatedOf(e.pin.Metadata, e.pin.Timestamp, e.cid.Cid)
	return !e.pin.Timestamp.After(created.Add(time.Second)) && !t.recent.has(e.cid)
}

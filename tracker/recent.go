package tracker

import (
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// recentTime is how long a CID is remembered at least; it is twice that at most.
const recentTime = time.Minute

// recent is a set of CIDs that expire. Two generations replace a timer for each, and the
// memory is that of the writes of two minutes at most. It is safe for concurrent use.
type recent struct {
	mu     sync.Mutex
	turned time.Time
	now    map[api.Cid]struct{}
	before map[api.Cid]struct{}
}

// add adds a CID, and drops the older generation when the newer one is recentTime old.
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

// isNew reports whether the pin of an entry was just created, so that the IPFS node need
// not be asked for it. Without a feed that says so (after a restart), a pin is new when it
// was created within a second of its last write, unless this tracker remembers an earlier
// write of the same CID.
func (t *Tracker) isNew(e entry) bool {
	if e.fresh {
		return true
	}
	if _, ok := e.pin.Metadata[pinset.CreatedKey]; !ok {
		return false // not known
	}
	created := pinset.CreatedOf(e.pin.Metadata, e.pin.Timestamp, e.cid.Cid)
	return !e.pin.Timestamp.After(created.Add(time.Second)) && !t.recent.has(e.cid)
}

package ipfsconn

import (
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// cacheTime is how long a status of the IPFS node is used for answers to clients. An unpin
// by another program is noticed that much later.
const cacheTime = time.Second

// pinCache caches the IPFS node's status of CIDs that were just pinned. Clients ask for the
// status right after a pin, which is pinned by then as a rule: without the cache, each
// would be one more request to the node. It only serves answers to clients; no decision
// depends on it. The zero value is ready to use.
type pinCache struct {
	mu      sync.Mutex
	unpins  uint64 // beginnings and ends
	rotated time.Time
	now     map[api.Cid]cachedStatus
	before  map[api.Cid]cachedStatus
}

// cachedStatus is the status that the node has reported at a time.
type cachedStatus struct {
	status api.IPFSPinStatus
	at     time.Time
}

// begin is called before a CID is pinned. Its result is an argument of store.
func (v *pinCache) begin(c api.Cid) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.remove(c)
	return v.unpins
}

// store caches the node's answer unless any unpin began or ended since begin, since that
// may have been of this CID.
func (v *pinCache) store(c api.Cid, status api.IPFSPinStatus, begun uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.unpins != begun {
		return
	}
	at := time.Now()
	if v.now == nil || at.Sub(v.rotated) > cacheTime {
		v.rotated, v.before, v.now = at, v.now, make(map[api.Cid]cachedStatus)
	}
	v.now[c] = cachedStatus{status, at}
}

// invalidate is called before and after a CID is unpinned.
func (v *pinCache) invalidate(c api.Cid) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.unpins++
	v.remove(c)
}

func (v *pinCache) remove(c api.Cid) {
	delete(v.now, c)
	delete(v.before, c)
}

// get returns the cached status of a CID; false when there is none.
func (v *pinCache) get(c api.Cid) (api.IPFSPinStatus, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.now[c]
	if !ok {
		s, ok = v.before[c]
	}
	if !ok || time.Since(s.at) >= cacheTime {
		return api.IPFSPinStatusBug, false
	}
	return s.status, true
}

package ipfsconn

import (
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// verifiedTime is how long what was seen at the IPFS node is as good for an
// answer as what would be seen now. Whoever unpins behind the peer's back is
// noticed that much later.
const verifiedTime = time.Second

// verified remembers for a moment how the IPFS node has what was pinned just
// now. Whoever sends a pin wants to know right after it, and most often it is
// pinned by then: without this, each would be one more request to the node.
// Nothing is decided by it. The zero value is ready to use.
type verified struct {
	mu     sync.Mutex
	unpins uint64 // beginnings and ends
	turned time.Time
	now    map[api.Cid]sighting
	before map[api.Cid]sighting
}

type sighting struct {
	status api.IPFSPinStatus
	at     time.Time
}

// begin is called before a CID is pinned, and returns what saw wants.
func (v *verified) begin(c api.Cid) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.remove(c)
	return v.unpins
}

// saw remembers what the node said. It does not when something is unpinned
// meanwhile, which may be that.
func (v *verified) saw(c api.Cid, status api.IPFSPinStatus, begun uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.unpins != begun {
		return
	}
	at := time.Now()
	if v.now == nil || at.Sub(v.turned) > verifiedTime {
		v.turned, v.before, v.now = at, v.now, make(map[api.Cid]sighting)
	}
	v.now[c] = sighting{status, at}
}

// forget is called before and after a CID is unpinned.
func (v *verified) forget(c api.Cid) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.unpins++
	v.remove(c)
}

func (v *verified) remove(c api.Cid) {
	delete(v.now, c)
	delete(v.before, c)
}

// get returns what the node said of a CID a moment ago.
func (v *verified) get(c api.Cid) (api.IPFSPinStatus, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.now[c]
	if !ok {
		s, ok = v.before[c]
	}
	if !ok || time.Since(s.at) >= verifiedTime {
		return api.IPFSPinStatusBug, false
	}
	return s.status, true
}

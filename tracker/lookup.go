package tracker

import (
	"context"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
	"github.com/ipfs-cluster/pinsvc/internal/fifo"
)

const (
	// lookupTimeout bounds one request to the IPFS node.
	lookupTimeout = 5 * time.Second
	// Bounds of the backoff between failed lookups of one pin.
	firstLookupBackoff = 100 * time.Millisecond
	maxLookupBackoff   = 5 * time.Second
)

// NodePins reads the pins of the IPFS node. An ipfscluster.IPFSConnector implements it.
type NodePins interface {
	PinLsCid(context.Context, api.Pin) (api.IPFSPinStatus, error)
	// PinLs sends the pins of some types, and closes out.
	PinLs(ctx context.Context, types []string, out chan<- api.IPFSPinInfo) error
}

// lookup is a request whether the IPFS node has a pin.
type lookup struct {
	pin api.Pin
	seq uint64 // of the queue entry that waits for the result
}

// lookUp runs lookups until the queue is closed. Only the entry of a lookup waits for its
// result, so a slow or frozen IPFS node delays no other work.
func (t *Tracker) lookUp(questions *fifo.Queue[lookup]) {
	for {
		q, ok := questions.Pop()
		if !ok {
			return
		}
		if e, ok := t.queue.get(q.pin.Cid); !ok || e.seq != q.seq {
			continue // the pin has changed since, which starts another lookup if needed
		}
		h := t.nodeHas(q.pin)
		t.queue.lookedUp(q.pin.Cid, q.seq, h, func(tries int) time.Duration {
			return backoff.Delay(firstLookupBackoff, maxLookupBackoff, tries)
		})
	}
}

// nodeHas asks the IPFS node whether it has a pin to the depth that the pin asks for. An
// error or a timeout is nodeUnknown.
func (t *Tracker) nodeHas(pin api.Pin) nodeState {
	ctx, cancel := context.WithTimeout(t.ctx, lookupTimeout)
	defer cancel()
	status, err := t.options.IPFS.PinLsCid(ctx, pin)
	switch {
	case err != nil:
		return nodeUnknown
	case status.IsPinned(pin.MaxDepth):
		return nodePinned
	default:
		return nodeNotPinned
	}
}

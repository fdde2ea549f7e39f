package tracker

import (
	"context"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
	"github.com/ipfs-cluster/pinsvc/internal/fifo"
)

const (
	// askTimeout bounds one question to the IPFS node.
	askTimeout = 5 * time.Second
	// A question without an answer is repeated after these times.
	firstAskPause = 100 * time.Millisecond
	maxAskPause   = 5 * time.Second
)

// Holder knows what the IPFS node has pinned. An ipfscluster.IPFSConnector is one.
type Holder interface {
	PinLsCid(context.Context, api.Pin) (api.IPFSPinStatus, error)
	// PinLs sends the pins of some types, and closes out.
	PinLs(ctx context.Context, types []string, out chan<- api.IPFSPinInfo) error
}

// question is one for the IPFS node.
type question struct {
	pin api.Pin
	seq uint64 // of the entry that wants to know
}

// ask answers questions until the line is closed. Nothing but the entry that
// wants to know waits for it, so an IPFS node that is slow or frozen holds up
// nobody else.
func (t *Tracker) ask(questions *fifo.Queue[question]) {
	for {
		q, ok := questions.Pop()
		if !ok {
			return
		}
		if e, ok := t.queue.get(q.pin.Cid); !ok || e.seq != q.seq {
			continue // there was a change, and a newer question if need be
		}
		h := t.holds(q.pin)
		t.queue.answer(q.pin.Cid, q.seq, h, func(tries int) time.Duration {
			return backoff.Delay(firstAskPause, maxAskPause, tries)
		})
	}
}

// holds asks the IPFS node whether it has a pin, to the right depth.
func (t *Tracker) holds(pin api.Pin) held {
	ctx, cancel := context.WithTimeout(t.ctx, askTimeout)
	defer cancel()
	status, err := t.options.IPFS.PinLsCid(ctx, pin)
	switch {
	case err != nil:
		return heldUnknown
	case status.IsPinned(pin.MaxDepth):
		return heldYes
	default:
		return heldNo
	}
}

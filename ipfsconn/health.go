package ipfsconn

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
)

const (
	// probeTimeout bounds a probe, which asks the node for its ID.
	probeTimeout = 5 * time.Second
	// Bounds of the backoff between probes of a node that is away.
	firstProbeBackoff = 250 * time.Millisecond
	maxProbeBackoff   = 2 * time.Second
)

// health tracks whether the IPFS node answers. It probes the node only after a failed
// request, and one probe serves all waiting requests: the library's connector limits
// itself to a request a second while requests fail.
type health struct {
	probe   func(context.Context) error
	ctx     context.Context // ends with the connector
	cancel  context.CancelFunc
	running sync.WaitGroup

	outages atomic.Int64 // how often the node was found to be away

	mu        sync.Mutex
	suspicion *suspicion // nil: none
}

// suspicion lasts from a failed request until the node answers a probe.
type suspicion struct {
	asked chan struct{} // closed after the first probe
	away  atomic.Bool   // the first probe had no answer
	over  chan struct{} // closed when the node has answered
}

func newHealth(probe func(context.Context) error) *health {
	n := &health{probe: probe}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return n
}

// suspect begins a suspicion, and probes, unless there is one.
func (n *health) suspect() *suspicion {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.suspicion == nil {
		d := &suspicion{asked: make(chan struct{}), over: make(chan struct{})}
		n.suspicion = d
		if n.ctx.Err() == nil {
			n.running.Go(func() { n.probeUntilUp(d) })
		}
	}
	return n.suspicion
}

// probeUntilUp probes the node until it answers.
func (n *health) probeUntilUp(d *suspicion) {
	for tries := 1; n.ctx.Err() == nil; tries++ {
		ctx, cancel := context.WithTimeout(n.ctx, probeTimeout)
		err := n.probe(ctx)
		cancel()
		if err == nil {
			n.mu.Lock()
			n.suspicion = nil
			n.mu.Unlock()
			close(d.over)
		}
		if tries == 1 {
			if err != nil {
				d.away.Store(true)
				n.outages.Add(1)
			}
			close(d.asked)
		}
		switch {
		case err == nil && tries > 1:
			logger.Info("the IPFS node answers again")
			return
		case err == nil:
			return
		case tries == 1 && n.ctx.Err() == nil:
			logger.Warnf("the IPFS node does not answer, pins wait for it. Is it running, at the address in ipfs_connector? %s", err)
		}
		backoff.Sleep(n.ctx, backoff.Delay(firstProbeBackoff, maxProbeBackoff, tries))
	}
}

// away reports whether the node did not answer the last probe.
func (n *health) away() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.suspicion != nil && n.suspicion.away.Load()
}

// wait probes the node and returns when it answers. The error is the context's, or says
// that the connector was stopped.
func (n *health) wait(ctx context.Context) error {
	select {
	case <-n.suspect().over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-n.ctx.Done():
		return n.ctx.Err()
	}
}

// stop ends all probes and joins their goroutines.
func (n *health) stop() {
	n.mu.Lock()
	n.cancel()
	n.mu.Unlock()
	n.running.Wait()
}

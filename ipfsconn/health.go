package ipfsconn

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
)

const (
	// probeTimeout is how long an IPFS node may take to say who it is.
	probeTimeout = 5 * time.Second
	// A node that is away is asked again after these times.
	firstProbePause = 250 * time.Millisecond
	maxProbePause   = 2 * time.Second
)

// node knows whether the IPFS node answers. It asks only when somebody has a
// reason to doubt it, and then one question serves all: the library's
// connector slows down to a request a second while they fail.
type node struct {
	probe   func(context.Context) error
	ctx     context.Context // ends with the connector
	cancel  context.CancelFunc
	running sync.WaitGroup

	absences atomic.Int64 // how often the node was found to be away

	mu    sync.Mutex
	doubt *doubt // nil: none
}

// doubt begins when somebody has a reason and ends when the node answers.
type doubt struct {
	asked chan struct{} // closed after the first question
	away  atomic.Bool   // which had no answer
	over  chan struct{} // closed when the node has answered
}

func newNode(probe func(context.Context) error) *node {
	n := &node{probe: probe}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return n
}

// question begins to doubt the node, unless that is so already.
func (n *node) question() *doubt {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.doubt == nil {
		d := &doubt{asked: make(chan struct{}), over: make(chan struct{})}
		n.doubt = d
		if n.ctx.Err() == nil {
			n.running.Go(func() { n.ask(d) })
		}
	}
	return n.doubt
}

// ask asks the node until it answers.
func (n *node) ask(d *doubt) {
	for tries := 1; n.ctx.Err() == nil; tries++ {
		ctx, cancel := context.WithTimeout(n.ctx, probeTimeout)
		err := n.probe(ctx)
		cancel()
		if err == nil {
			n.mu.Lock()
			n.doubt = nil
			n.mu.Unlock()
			close(d.over)
		}
		if tries == 1 {
			if err != nil {
				d.away.Store(true)
				n.absences.Add(1)
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
		backoff.Sleep(n.ctx, backoff.Delay(firstProbePause, maxProbePause, tries))
	}
}

// away tells whether the node did not answer when it was last asked.
func (n *node) away() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.doubt != nil && n.doubt.away.Load()
}

// wait questions the node and returns when it answers. The error is the
// context's, when that ends before.
func (n *node) wait(ctx context.Context) error {
	select {
	case <-n.question().over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-n.ctx.Done():
		return n.ctx.Err()
	}
}

// stop ends all questions and waits.
func (n *node) stop() {
	n.mu.Lock()
	n.cancel()
	n.mu.Unlock()
	n.running.Wait()
}

package tracker

import (
	"context"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
)

// Bounds of the backoff after a failed sweep.
const (
	firstSweepBackoff = time.Second
	maxSweepBackoff   = 30 * time.Second
)

// sweep is a full reconcile: one comparison of all pins with the IPFS node.
type sweep struct {
	done  chan struct{} // closed when the others are set
	infos []api.PinInfo // of the pins that are tried again
	err   error
}

// sweeps runs sweeps, one at a time, and repeats a failed one until one succeeds. Callers that
// ask for a sweep while one is in progress share it.
type sweeps struct {
	ctx     context.Context
	compare func() ([]api.PinInfo, error)
	success chan struct{} // closed after the first
	running sync.WaitGroup

	mu       sync.Mutex
	current  *sweep // nil: none is under way
	failures int    // in a row
	retry    *time.Timer
}

func newSweeps(ctx context.Context, compare func() ([]api.PinInfo, error)) *sweeps {
	return &sweeps{ctx: ctx, compare: compare, success: make(chan struct{})}
}

// start returns the sweep in progress, or begins one.
func (p *sweeps) start() *sweep {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil {
		return p.current
	}
	if p.retry != nil {
		p.retry.Stop()
	}
	c := &sweep{done: make(chan struct{})}
	if err := p.ctx.Err(); err != nil {
		c.err = err
		close(c.done)
		return c
	}
	p.current = c
	p.running.Go(func() { p.run(c) })
	return c
}

// run makes one sweep. After a failure it schedules the next one, with backoff.
func (p *sweeps) run(c *sweep) {
	c.infos, c.err = p.compare()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = nil
	defer close(c.done)
	if c.err == nil {
		p.failures = 0
		select {
		case <-p.success:
		default:
			close(p.success)
		}
		return
	}
	if p.ctx.Err() != nil {
		return
	}
	p.failures++
	pause := backoff.Delay(firstSweepBackoff, maxSweepBackoff, p.failures)
	say := logger.Debugf
	if p.failures == 1 { // said once, until it works again
		say = logger.Warnf
	}
	say("comparing pins with IPFS, tried again until it works, next in %s: %s", pause, c.err)
	p.retry = time.AfterFunc(pause, func() { p.start() })
}

// inProgress returns the sweep in progress, or nil.
func (p *sweeps) inProgress() *sweep {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

// wait joins the sweep in progress. The context must have ended.
func (p *sweeps) wait() {
	p.mu.Lock()
	if p.retry != nil {
		p.retry.Stop()
	}
	p.mu.Unlock()
	p.running.Wait()
}

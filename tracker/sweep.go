package tracker

import (
	"context"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
)

// A comparison that fails is repeated after these times.
const (
	firstPassPause = time.Second
	maxPassPause   = 30 * time.Second
)

// pass is one comparison of all pins with the IPFS node.
type pass struct {
	done  chan struct{} // closed when the others are set
	infos []api.PinInfo // what is tried again
	err   error
}

// passes runs comparisons, one at a time, and repeats one that has failed
// until one succeeds.
type passes struct {
	ctx     context.Context
	compare func() ([]api.PinInfo, error)
	success chan struct{} // closed after the first
	running sync.WaitGroup

	mu       sync.Mutex
	current  *pass // nil: none is under way
	failures int   // in a row
	retry    *time.Timer
}

func newPasses(ctx context.Context, compare func() ([]api.PinInfo, error)) *passes {
	return &passes{ctx: ctx, compare: compare, success: make(chan struct{})}
}

// start returns the pass that is under way, or begins one.
func (p *passes) start() *pass {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil {
		return p.current
	}
	if p.retry != nil {
		p.retry.Stop()
	}
	c := &pass{done: make(chan struct{})}
	if err := p.ctx.Err(); err != nil {
		c.err = err
		close(c.done)
		return c
	}
	p.current = c
	p.running.Go(func() { p.run(c) })
	return c
}

func (p *passes) run(c *pass) {
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
	pause := backoff.Delay(firstPassPause, maxPassPause, p.failures)
	say := logger.Debugf
	if p.failures == 1 { // said once, until it works again
		say = logger.Warnf
	}
	say("comparing pins with IPFS, tried again until it works, next in %s: %s", pause, c.err)
	p.retry = time.AfterFunc(pause, func() { p.start() })
}

// underway returns the pass that is, or nil.
func (p *passes) underway() *pass {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

// wait returns when nothing runs any more, once the context has ended.
func (p *passes) wait() {
	p.mu.Lock()
	if p.retry != nil {
		p.retry.Stop()
	}
	p.mu.Unlock()
	p.running.Wait()
}

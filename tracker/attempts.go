package tracker

import (
	"context"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
)

// await adds a pin, which is parked in the queue, to the pins that wait for a place.
func (p *places) await(e entry, attempts int) {
	t := ticket{cid: e.cid, seq: e.seq}
	t.priority = attempts <= p.options.PriorityRetries && time.Since(e.pin.Timestamp) < p.options.PriorityAge
	if attempts > 0 && !e.changed {
		t.level = 1
	}
	p.mu.Lock()
	if l, ok := p.open[e.cid]; ok && l.handed {
		p.remove(e.cid) // its operation has ended, but ended was not called yet
	}
	if e.changed {
		p.waiting.renew(e.cid)
	}
	p.waiting.add(t)
	p.mu.Unlock()
	p.wakeUp()
}

// renew treats a waiting pin whose attempts were preempted as a new one.
func (p *places) renew(c api.Cid) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting.renew(c) {
		p.wakeUp()
	}
}

// granted returns the place that a CID has and does not use yet, or nil.
func (p *places) granted(c api.Cid) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l, ok := p.open[c]; ok && !l.handed {
		return l
	}
	return nil
}

// unused frees a place that was granted, unless it was used since.
func (p *places) unused(c api.Cid, l *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[c] == l && !l.handed {
		p.remove(c)
		p.wakeUp()
	}
}

// hand uses the place of a pin that is about to be handed to the inner tracker.
// It returns nil when none is granted.
func (p *places) hand(pin api.Pin) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.open[pin.Cid]
	if !ok || l.handed {
		return nil
	}
	l.pin, l.handed = pin, true
	return l
}

// force is hand for a pin that cannot wait: it always gets a place.
func (p *places) force(pin api.Pin) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.open[pin.Cid]; ok {
		p.remove(pin.Cid)
	}
	l := p.add(pin.Cid, 0, regular, time.Now())
	l.pin, l.handed = pin, true
	return l
}

// follow frees a place when its operation ends. A nil operation has ended.
func (p *places) follow(l *place, operation context.Context) {
	if operation == nil {
		p.ended(l)
		return
	}
	context.AfterFunc(operation, func() { p.ended(l) })
}

// ended frees a place. A preempted attempt waits for its next place.
func (p *places) ended(l *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[l.pin.Cid] != l {
		return
	}
	p.remove(l.pin.Cid)
	if l.shed {
		p.comeBack(l, time.Now())
	}
	p.wakeUp()
}

// comeBack adds a preempted attempt to the waiting pins, one level higher. An attempt without
// any progress also has a backoff. The caller holds mu.
func (p *places) comeBack(l *place, now time.Time) {
	seq, ok := p.queue.standby(l.pin.Cid)
	if !ok {
		return // it has changed, and a worker is at it
	}
	t := ticket{cid: l.pin.Cid, seq: seq, level: l.level + 1, best: l.best}
	if l.moved.Equal(l.begun) {
		t.ready = now.Add(backoff.Delay(firstBackoff, lastBackoff, t.level))
	}
	p.waiting.add(t)
}

// shedding reports whether the attempt of a CID was preempted and has not ended yet.
func (p *places) shedding(c api.Cid) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.open[c]
	return ok && l.shed
}

// enter begins an attempt to pin. The returned context is cancelled when the attempt is
// preempted; the returned function must be called with its outcome.
func (p *places) enter(ctx context.Context, c api.Cid) (context.Context, func(error)) {
	ctx, cancel := context.WithCancelCause(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.open[c]
	if l == nil {
		return ctx, func(error) { cancel(nil) }
	}
	l.cancel = cancel
	return ctx, func(err error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		l.cancel = nil
		if l.shed && err == nil {
			l.shed = false
			p.queue.unhold(c)
		}
		cancel(nil)
	}
}

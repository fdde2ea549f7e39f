package tracker

import (
	"time"

	"github.com/ipfs-cluster/pinsvc/embedded"
	"github.com/ipfs-cluster/pinsvc/internal/backoff"
)

// slice returns how long an attempt keeps its place while others wait.
func slice(level int) time.Duration { return backoff.Delay(firstSlice, lastSlice, level+1) }

// leastRun returns how long an attempt runs at least in the background.
func leastRun(level int) time.Duration {
	return firstRun << min(level, 20)
}

// review takes places from attempts whose time slice is over. It is called while pins
// wait.
func (p *places) review(now time.Time) {
	fast := 0 // in the background
	for _, l := range p.open {
		if l.cancel == nil || l.shed {
			continue
		}
		p.sample(l, now)
		switch {
		case l.kind != background && p.idle(l, now):
			p.retire(l, now)
		case l.kind != background && now.Sub(l.since) < firstSlice:
		case l.kind != background && !l.fast:
			p.retire(l, now)
		case l.kind != background:
			if now.Sub(l.since) >= slice(l.level) {
				p.shed(l, now)
			}
		case l.fast:
			if fast++; fast > p.options.extra() {
				p.shed(l, now)
			}
		}
	}
}

// idle reports whether an attempt has found no block for idleSlice. It is false for a
// node that does not report progress.
func (p *places) idle(l *place, now time.Time) bool {
	if now.Sub(l.begun) < idleSlice || !l.moved.Equal(l.begun) {
		return false
	}
	blocks, _, ok := p.progress(l.pin.Cid)
	return ok && blocks == 0
}

// sample updates the progress of an attempt, once a second, and whether the attempt was
// fast since the last sample. Attempts at a node that does not report progress count as
// slow.
func (p *places) sample(l *place, now time.Time) {
	span := now.Sub(l.sampled)
	if span < firstSlice {
		return
	}
	blocks, bytes, ok := p.progress(l.pin.Cid)
	if !ok {
		l.sampled, l.fast = now, false
		return
	}
	more, moreBytes := blocks-min(l.blocks, blocks), bytes-min(l.bytes, bytes)
	if blocks > l.best { // others were here from earlier attempts
		l.best, l.moved = blocks, now
	}
	l.sampled, l.blocks, l.bytes = now, blocks, bytes
	l.fast = float64(more) >= fastBlocks*span.Seconds() || float64(moreBytes) >= fastBytes*span.Seconds()
}

// retire moves a slow attempt to the background. If that is full, the attempt there that
// made no progress for longest is preempted.
func (p *places) retire(l *place, now time.Time) {
	if p.count[background] >= p.options.Background {
		if v := p.idlest(now); v == nil || !p.shed(v, now) {
			if now.Sub(l.since) >= min(slice(l.level), 4*firstSlice) {
				p.shed(l, now)
			}
			return
		}
	}
	p.move(l, background, now)
}

// idlest returns the background attempt that made no progress for longest among
// those that ran long enough, nil if there is none.
func (p *places) idlest(now time.Time) *place {
	var worst *place
	for _, l := range p.open {
		if l.kind != background || l.cancel == nil || l.shed || now.Sub(l.begun) < leastRun(l.level) {
			continue
		}
		if worst == nil || l.moved.Before(worst.moved) {
			worst = l
		}
	}
	return worst
}

// shed preempts an attempt, which will be repeated. It returns false when the CID has
// changed meanwhile.
func (p *places) shed(l *place, now time.Time) bool {
	if !p.queue.hold(l.pin) {
		return false
	}
	l.shed = true
	p.move(l, leaving, now)
	l.cancel(embedded.ErrPreempted)
	return true
}

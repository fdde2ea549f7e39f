package view

import (
	"context"
	"errors"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
)

// lookTimes is how often the state is looked at for a change at most.
const lookTimes = 4

// looks is after which times the state is looked at for a change, which may be
// told before the state has it. The last look is believed whatever it shows.
func looks() [lookTimes]time.Duration {
	return [lookTimes]time.Duration{50 * time.Millisecond, 200 * time.Millisecond, time.Second, 5 * time.Second}
}

// follower notes the CIDs that have changed, for a later look at the state. A
// CID is noted once, with its last change. View.mu guards it.
type follower struct {
	noted map[string]*note
	lines [lookTimes][]due // what is to be looked at for the first time, the second...
	after [lookTimes]time.Duration
	last  uint64
	more  chan struct{} // has a value when there is something to do
}

type note struct {
	told  *item // nil: it was removed, or lost one of its values
	seq   uint64
	tries int
}

type due struct {
	key string
	seq uint64
	at  time.Time
}

func (f *follower) init() {
	f.noted = make(map[string]*note)
	f.after = looks()
	f.more = make(chan struct{}, 1)
}

// note has a CID looked at.
func (f *follower) note(key string, told *item) {
	f.last++
	n := &note{told: told, seq: f.last}
	f.noted[key] = n
	f.push(key, n)
}

// push puts a note into the line of its next look.
func (f *follower) push(key string, n *note) {
	f.lines[n.tries] = append(f.lines[n.tries], due{key, n.seq, time.Now().Add(f.after[n.tries])})
	if len(f.lines[n.tries]) > 1 {
		return // the first of the line comes before
	}
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// take returns a note that is due, or how long there is none.
func (f *follower) take() (d due, wait time.Duration) {
	wait = time.Hour
	for i := range f.lines {
		for len(f.lines[i]) > 0 {
			d = f.lines[i][0]
			n, ok := f.noted[d.key]
			stale := !ok || n.seq != d.seq
			left := time.Until(d.at)
			if !stale && left > 0 {
				wait = min(wait, left)
				break
			}
			if f.lines[i] = f.lines[i][1:]; len(f.lines[i]) == 0 {
				f.lines[i] = nil
			}
			if !stale {
				return d, 0
			}
		}
	}
	return due{}, wait
}

// Tracked hears of a pin that was stored or is about to be.
func (v *View) Tracked(stored api.Pin) {
	v.mu.Lock()
	defer v.mu.Unlock()
	it, _ := v.set(stored)
	v.follower.note(stored.Cid.KeyString(), it)
}

// Untracked hears of a pin that was removed, or lost one of its values.
func (v *View) Untracked(c api.Cid) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.follower.note(c.KeyString(), nil)
}

// Written hears of what the state has after a write of this peer, before the
// writer does. The pin is not defined when there is none.
func (v *View) Written(c api.Cid, stored api.Pin) {
	key := c.KeyString()
	v.mu.Lock()
	defer v.mu.Unlock()
	it := v.apply(key, stored)
	if n, ok := v.follower.noted[key]; ok && (n.told == nil) == (it == nil) && (it == nil || it.same(n.told)) {
		delete(v.follower.noted, key)
	}
}

// apply makes the index say what the state said of a CID, and returns the item.
// The caller holds mu.
func (v *View) apply(key string, stored api.Pin) *item {
	if !stored.Defined() {
		v.drop(key)
		return nil
	}
	it, _ := v.set(stored)
	return it
}

// follow looks at the state for what has changed, until Close.
func (v *View) follow() {
	for {
		v.mu.Lock()
		d, wait := v.follower.take()
		v.mu.Unlock()
		if wait == 0 {
			v.lookAfter(d)
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-v.follower.more:
		case <-v.ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// lookAfter looks at the state for one change. What does not show the change is
// older than it, and believed only in the end. A newer change has its own look.
func (v *View) lookAfter(d due) {
	c, err := cid.Cast([]byte(d.key))
	if err != nil {
		return // it was a CID when it came
	}
	stored, err := v.stored(v.ctx, c)
	v.mu.Lock()
	defer v.mu.Unlock()
	n, ok := v.follower.noted[d.key]
	if !ok || n.seq != d.seq {
		return
	}
	last := n.tries == len(v.follower.lines)-1
	switch {
	case err != nil:
		if v.ctx.Err() == nil {
			logger.Warnf("view of the pinset: reading %s: %s", c, err)
			v.follower.push(d.key, n)
		}
		return
	case n.told == nil, last, v.shows(stored, n.told):
		delete(v.follower.noted, d.key)
		v.apply(d.key, stored)
	default:
		n.tries++
		v.follower.push(d.key, n)
	}
}

// shows tells whether an entry of the state is what was told.
func (v *View) shows(stored api.Pin, told *item) bool {
	return stored.Defined() && pinsvcapi.Shown(stored) && newItem(stored, v.places.of(stored)).same(told)
}

// stored returns what the state has for a CID, not defined when it has nothing.
func (v *View) stored(ctx context.Context, c cid.Cid) (api.Pin, error) {
	stored, err := v.Stored(ctx, c)
	if errors.Is(err, pinsvcapi.ErrNotFound) {
		return api.Pin{}, nil
	}
	return stored, err
}

// look makes the index say what the state says of a CID, unless it hears of a
// change meanwhile, or waits for the state to show one.
func (v *View) look(ctx context.Context, c cid.Cid) {
	key := c.KeyString()
	v.mu.Lock()
	seq := v.follower.last
	v.mu.Unlock()
	stored, err := v.stored(ctx, c)
	if err != nil {
		logger.Warnf("view of the pinset: reading %s: %s", c, err)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	n, ok := v.follower.noted[key]
	if !ok || n.seq <= seq && (n.told == nil || v.shows(stored, n.told)) {
		v.apply(key, stored)
	}
}

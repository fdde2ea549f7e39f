package view

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// retryScan is when a scan that has failed is tried again.
	retryScan = 5 * time.Second
	// scanShare is how many times longer than a scan there is none.
	scanShare = 100
	// freeFrom is how many pins make a scan's garbage worth a collection.
	freeFrom = 100_000
	// firstAnswers is how long a new view waits for the first statuses.
	firstAnswers = time.Second
	// tellAfter is how long a scan takes that is worth a line in the log.
	tellAfter = time.Second
)

// keep builds the index and then compares it with the state, until Close.
func (v *View) keep() {
	start := time.Now()
	for run := v.build; v.repeat(retryScan, run); run = v.compare {
		if v.Size() > freeFrom {
			debug.FreeOSMemory() // a scan leaves several times the view's size behind
		}
		if !v.sleep(max(v.options.CompareEvery, scanShare*time.Since(start))) {
			return
		}
		start = time.Now()
	}
}

// repeat does something until it succeeds, with pauses. It returns false when
// the view was closed before.
func (v *View) repeat(pause time.Duration, f func() error) bool {
	for {
		err := f()
		if err == nil {
			return true
		}
		if v.ctx.Err() != nil {
			return false
		}
		logger.Warnf("view of the pinset: %s; trying again in %s", err, pause)
		if !v.sleep(pause) {
			return false
		}
	}
}

// sleep returns false when the view was closed meanwhile.
func (v *View) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-v.ctx.Done():
		return false
	}
}

// build reads the whole state. Changes that are observed meanwhile go into the index
// that there is, and from there, at the end, into the new one.
func (v *View) build() error {
	defer v.triedOnce()
	start := time.Now()
	items, err := v.read()
	if err != nil {
		return err
	}
	read := time.Since(start)
	built := load(items)
	v.mu.Lock()
	v.merge(built)
	size := v.index.byCID.Len()
	v.mu.Unlock()
	v.firstRound()
	close(v.complete)
	// Nobody waits for a small one.
	log := logger.Debugf
	if time.Since(start) > tellAfter {
		log = logger.Infof
	}
	log("view of the pinset: complete, %d pins in %s, of which the state took %s", size,
		time.Since(start).Round(time.Millisecond), read.Round(time.Millisecond))
	return nil
}

// triedOnce lets lists go on that wait for the view.
func (v *View) triedOnce() {
	select {
	case <-v.tried:
	default:
		close(v.tried)
	}
}

// merge puts a new index in the place of the present one. What has changed since
// the scan began is as the present one has it.
func (v *View) merge(built *index) {
	for key := range v.touched {
		now := v.index.get(key)
		if old := built.get(key); old != nil {
			built.remove(old)
		}
		if now != nil {
			built.put(now, nil)
		}
	}
	v.index, v.copied, v.touched = built, nil, nil
}

// compare makes the index equal to the state where it is not. What changes
// meanwhile is left to the change.
func (v *View) compare() error {
	v.mu.Lock()
	v.touched = make(map[string]struct{})
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		v.touched = nil
		v.mu.Unlock()
	}()
	healed := 0
	seen := make(map[*item]struct{})
	err := v.Scan(v.ctx, func(stored api.Pin) {
		it, changed := v.check(stored)
		if changed {
			healed++
		}
		if it != nil {
			seen[it] = struct{}{}
		}
	})
	if err != nil {
		return err
	}
	for _, c := range v.unseen(seen) {
		if v.recheck(v.ctx, c) {
			healed++
		}
	}
	if healed > 0 {
		logger.Warnf("view of the pinset: %d pins differed from the state, they are right now", healed)
	}
	return nil
}

// check compares one entry of a scan with the index. It returns the item and
// whether that was wrong.
func (v *View) check(stored api.Pin) (*item, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := stored.Cid.KeyString()
	if _, touched := v.touched[key]; touched {
		return v.index.get(key), false
	}
	if !pinset.Shown(stored) {
		return nil, false
	}
	v.options.Memory.Saw(sizeOf(stored))
	return v.install(newItem(stored, v.places.of(stored)))
}

// unseen returns the pins that a scan did not meet and that have not changed
// since it began.
func (v *View) unseen(seen map[*item]struct{}) (cids []cid.Cid) {
	v.mu.Lock()
	all := v.index.byCreated.Copy()
	v.mu.Unlock()
	all.Scan(func(it *item) bool {
		if _, ok := seen[it]; !ok {
			cids = append(cids, it.cid())
		}
		return true
	})
	return cids
}

// recheck reads the state for a pin that a scan did not meet. It returns whether
// the index had it although no change has said that it is gone.
func (v *View) recheck(ctx context.Context, c cid.Cid) bool {
	stored, err := v.stored(ctx, c)
	if err != nil {
		logger.Warnf("view of the pinset: reading %s: %s", c, err)
		return false
	}
	key := c.KeyString()
	v.mu.Lock()
	defer v.mu.Unlock()
	before := v.index.get(key)
	if _, touched := v.touched[key]; touched || before == nil {
		return false
	}
	v.apply(key, stored)
	return v.index.get(key) != before
}

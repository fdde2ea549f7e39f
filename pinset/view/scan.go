package view

import (
	"context"
	"time"

	"github.com/ipfs/go-cid"
)

const (
	// retryInterval is the pause after a failed scan.
	retryInterval = 5 * time.Second
	// compareShare is the least ratio of the time between comparisons to the time that one
	// takes.
	compareShare = 100
	// freeThreshold is the number of pins from which Options.Scanned is called.
	freeThreshold = 100_000
	// firstTimeout is how long a new view waits for the first reports of peers.
	firstTimeout = time.Second
	// logAfter is the duration from which a build is logged at level info.
	logAfter = time.Second
)

// run builds the index and then compares it with the state periodically until Close.
func (v *View) run() {
	start := time.Now()
	for attempt := v.build; v.retry(retryInterval, attempt); attempt = v.compare {
		if v.Size() > freeThreshold && v.options.Scanned != nil {
			v.options.Scanned()
		}
		if !v.sleep(max(v.options.CompareEvery, compareShare*time.Since(start))) {
			return
		}
		start = time.Now()
	}
}

// retry calls f until it succeeds, with pauses. It returns false when the view is closed
// first.
func (v *View) retry(pause time.Duration, f func() error) bool {
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

// sleep returns false when the view is closed first.
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

// build makes the index from a scan of the state. Changes that are observed meanwhile go
// into the present index and are merged into the new one.
func (v *View) build() error {
	defer v.markTried()
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
	v.firstPoll()
	close(v.complete)
	log := logger.Debugf
	if time.Since(start) > logAfter {
		log = logger.Infof
	}
	log("view of the pinset: complete, %d pins in %s, of which the state took %s", size,
		time.Since(start).Round(time.Millisecond), read.Round(time.Millisecond))
	return nil
}

// markTried releases the lists that wait for the first build. It is called also when that
// has failed: until a later one succeeds, lists scan the state.
func (v *View) markTried() {
	select {
	case <-v.tried:
	default:
		close(v.tried)
	}
}

// merge replaces the index with one that was built from a scan, except for the CIDs that
// changed since the scan began. The caller holds mu.
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

// compare scans the state and repairs the index where it differs, which it should not.
// CIDs that change during the scan are left out: the change is newer than what the scan
// reads, and arrives through Observe.
func (v *View) compare() error {
	v.mu.Lock()
	v.touched = make(map[string]struct{})
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		v.touched = nil
		v.mu.Unlock()
	}()
	repaired := 0
	seen := make(map[*item]struct{})
	err := v.eachItem(func(it *item) {
		it, changed := v.check(it)
		if changed {
			repaired++
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
			repaired++
		}
	}
	if repaired > 0 {
		logger.Warnf("view of the pinset: %d pins differed from the state, they are right now", repaired)
	}
	return nil
}

// check compares an item of a scan with the index. It returns the item of the index and
// whether it had to be repaired.
func (v *View) check(it *item) (*item, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, touched := v.touched[it.key()]; touched {
		return v.index.get(it.key()), false
	}
	return v.install(it)
}

// unseen returns the pins of the index that a scan did not visit.
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

// recheck reads a pin from the state that a scan did not visit, and reports whether the
// index had to be repaired. The scan alone does not say that the pin is gone: it may have
// been removed and added again.
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

package view

import (
	"context"
	"sync"
	"time"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// pollInterval is the least time between two polls of a peer, however many lists are
	// requested. A peer whose answer took d is left alone for pollShare * d, too.
	pollInterval = time.Second
	pollShare    = 5
	// pollTimeout bounds one poll of one peer.
	pollTimeout = 20 * time.Second
	// listTimeout is how long a list waits for peers that usually answer faster.
	listTimeout = 50 * time.Millisecond
	// refreshBatch is how many statuses are recomputed before the lock is released.
	refreshBatch = 256
)

// poller schedules the polls of peers for what they have not pinned. Polls are driven by lists
// alone: a peer without readers sends no requests to others.
type poller struct {
	mu    sync.Mutex
	began time.Time // of the last round
	round chan struct{}
	peers map[string]*pollState
}

// pollState is the schedule of one peer.
type pollState struct {
	running bool
	slow    bool // the last answer took longer than a list waits
	next    time.Time
}

// pollIfDue starts a round of polls if the last one began over a second ago, and waits
// for the answers of fast peers. All lists of a second share one round, and a frozen peer
// delays them by listTimeout once: then it counts as slow until it answers again.
func (v *View) pollIfDue(ctx context.Context) {
	p := &v.poller
	p.mu.Lock()
	if time.Since(p.began) >= pollInterval {
		done := make(chan struct{})
		if v.spawn(func() { v.poll(listTimeout); close(done) }) {
			p.began, p.round = time.Now(), done
		}
	}
	round := p.round
	p.mu.Unlock()
	if round == nil {
		return
	}
	select {
	case <-round:
	case <-ctx.Done():
	}
}

// firstPoll polls all members and gives them more time.
func (v *View) firstPoll() { v.poll(firstTimeout) }

// poll polls every member that is due, and waits for the answers until a timeout.
func (v *View) poll(timeout time.Duration) {
	ctx, cancel := context.WithTimeout(v.ctx, timeout)
	defer cancel()
	members, err := v.Members(ctx)
	if err != nil {
		logger.Debugf("view of the pinset: %s", err)
		return
	}
	v.mu.Lock()
	changed := v.statuses.setMembers(members)
	if changed {
		v.copied = nil
	}
	v.mu.Unlock()
	var fast sync.WaitGroup
	for _, id := range members {
		v.startPoll(id, &fast)
	}
	answered := make(chan struct{})
	v.spawn(func() { fast.Wait(); close(answered) })
	select {
	case <-answered:
	case <-ctx.Done():
	}
	if changed {
		v.refreshAll()
	}
}

// startPoll polls a peer in the background if it is due, and adds the poll to fast unless
// the peer was slow the last time.
func (v *View) startPoll(id string, fast *sync.WaitGroup) {
	p := &v.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.peers[id]
	if !ok {
		s = &pollState{}
		p.peers[id] = s
	}
	if s.running || time.Now().Before(s.next) {
		return
	}
	done := func() {}
	if !s.slow {
		fast.Add(1)
		done = fast.Done
	}
	s.running = v.spawn(func() {
		start := time.Now()
		v.pollPeer(id)
		took := time.Since(start)
		p.mu.Lock()
		s.running, s.slow, s.next = false, took > listTimeout, time.Now().Add(pollShare*took)
		p.mu.Unlock()
		done() // only now, so that whoever waited for this answer can poll again
	})
	if !s.running {
		done()
	}
}

// pollPeer polls a peer and records its answer. Statuses are recomputed for the CIDs of the
// new list and for the pins that were unpinned before, in batches, so that observing a change
// never waits long for the lock.
func (v *View) pollPeer(id string) {
	ctx, cancel := context.WithTimeout(v.ctx, pollTimeout)
	defer cancel()
	at := v.now()
	list, err := v.Unpinned(ctx, id)
	if err != nil {
		logger.Debugf("view of the pinset: polling %s: %s", id, err)
		return
	}
	v.mu.Lock()
	all := v.statuses.record(id, at, list)
	before := v.statuses.unpinned.copy()
	v.copied = nil
	v.mu.Unlock()
	if all {
		v.refreshAll()
		return
	}
	keys := make([]string, 0, len(list.Pins)+before.len())
	for c := range list.Pins {
		keys = append(keys, c.KeyString())
	}
	before.each(func(it *item) { keys = append(keys, it.key()) })
	v.refresh(keys)
}

// refresh recomputes the statuses of some pins.
func (v *View) refresh(keys []string) {
	for len(keys) > 0 {
		n := min(refreshBatch, len(keys))
		v.mu.Lock()
		for _, key := range keys[:n] {
			if it := v.index.get(key); it != nil {
				v.statuses.refresh(it)
			}
		}
		v.copied = nil
		v.mu.Unlock()
		keys = keys[n:]
	}
}

// refreshAll recomputes the statuses of all pins. It goes through a copy of the tree: an
// item that was replaced meanwhile is skipped, since its status was computed when it came.
func (v *View) refreshAll() {
	v.mu.Lock()
	all := v.index.byCreated.Copy()
	v.mu.Unlock()
	items := make([]*item, 0, refreshBatch)
	flush := func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, it := range items {
			// Most are pinned and were before: they need no write.
			if v.statuses.stale(it) && v.index.get(it.key()) == it {
				v.copied = nil
				v.statuses.refresh(it)
			}
		}
		items = items[:0]
	}
	all.Scan(func(it *item) bool {
		if items = append(items, it); len(items) == refreshBatch {
			flush()
		}
		return v.ctx.Err() == nil
	})
	flush()
}

var _ pinset.Cluster = (*View)(nil)

package view

import (
	"context"
	"sync"
	"time"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// askEvery is how often a peer is asked at most, however many lists there
	// are. One that takes long is asked less often.
	askEvery = time.Second
	askShare = 5
	// askPatience bounds a question.
	askPatience = 20 * time.Second
	// listPatience is how long a list waits for the answers of peers that
	// usually need less.
	listPatience = 50 * time.Millisecond
	// batch is how many pins are looked at while nothing else happens.
	batch = 256
)

// asker knows which peer is asked what is not pinned.
type asker struct {
	mu    sync.Mutex
	began time.Time // the last round
	round chan struct{}
	peers map[string]*asked
}

// asked is how a peer was asked last.
type asked struct {
	under bool // it is being asked
	slow  bool // it needed longer than a list waits
	next  time.Time
}

// fresh sees to it that the board is not older than a second, as far as peers
// answer at once.
func (v *View) fresh(ctx context.Context) {
	a := &v.asker
	a.mu.Lock()
	if time.Since(a.began) >= askEvery {
		done := make(chan struct{})
		if v.goes(func() { v.ask(listPatience); close(done) }) {
			a.began, a.round = time.Now(), done
		}
	}
	round := a.round
	a.mu.Unlock()
	if round == nil {
		return
	}
	select {
	case <-round:
	case <-ctx.Done():
	}
}

// firstRound asks all members, and gives them more time.
func (v *View) firstRound() { v.ask(firstAnswers) }

// ask asks every member that it is time to ask, and waits for the answers, but
// not for long.
func (v *View) ask(patience time.Duration) {
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	members, err := v.Members(ctx)
	if err != nil {
		logger.Debugf("view of the pinset: %s", err)
		return
	}
	v.mu.Lock()
	changed := v.board.setMembers(members)
	if changed {
		v.copied = nil
	}
	v.mu.Unlock()
	var quick sync.WaitGroup
	for _, id := range members {
		v.askPeer(id, &quick)
	}
	answered := make(chan struct{})
	v.goes(func() { quick.Wait(); close(answered) })
	select {
	case <-answered:
	case <-ctx.Done():
	}
	if changed {
		v.updateAll()
	}
}

// askPeer asks one peer in the background, if it is time to. Who was quick the
// last time is waited for.
func (v *View) askPeer(id string, quick *sync.WaitGroup) {
	a := &v.asker
	a.mu.Lock()
	defer a.mu.Unlock()
	p, ok := a.peers[id]
	if !ok {
		p = &asked{}
		a.peers[id] = p
	}
	if p.under || time.Now().Before(p.next) {
		return
	}
	done := func() {}
	if !p.slow {
		quick.Add(1)
		done = quick.Done
	}
	p.under = v.goes(func() {
		start := time.Now()
		v.hearFrom(id)
		took := time.Since(start)
		a.mu.Lock()
		p.under, p.slow, p.next = false, took > listPatience, time.Now().Add(askShare*took)
		a.mu.Unlock()
		done() // only now, so that whoever waited for this answer can ask again
	})
	if !p.under {
		done()
	}
}

// hearFrom asks a peer what it has not pinned, and notes that.
func (v *View) hearFrom(id string) {
	ctx, cancel := context.WithTimeout(v.ctx, askPatience)
	defer cancel()
	at := v.now()
	said, err := v.Unpinned(ctx, id)
	if err != nil {
		logger.Debugf("view of the pinset: asking %s: %s", id, err)
		return
	}
	v.mu.Lock()
	all := v.board.hear(id, at, said)
	others := v.board.others.copy()
	v.copied = nil
	v.mu.Unlock()
	if all {
		v.updateAll()
		return
	}
	keys := make([]string, 0, len(said.Pins)+others.len())
	for c := range said.Pins {
		keys = append(keys, c.KeyString())
	}
	others.each(func(it *item) { keys = append(keys, it.key()) })
	v.update(keys)
}

// update notes the statuses of some pins anew.
func (v *View) update(keys []string) {
	for len(keys) > 0 {
		n := min(batch, len(keys))
		v.mu.Lock()
		for _, key := range keys[:n] {
			if it := v.index.get(key); it != nil {
				v.board.update(it)
			}
		}
		v.copied = nil
		v.mu.Unlock()
		keys = keys[n:]
	}
}

// updateAll notes the statuses of all pins anew.
func (v *View) updateAll() {
	v.mu.Lock()
	all := v.index.byCreated.Copy()
	v.mu.Unlock()
	items := make([]*item, 0, batch)
	flush := func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, it := range items {
			// Most are pinned, and were.
			if v.board.differs(it) && v.index.get(it.key()) == it {
				v.copied = nil
				v.board.update(it)
			}
		}
		items = items[:0]
	}
	all.Scan(func(it *item) bool {
		if items = append(items, it); len(items) == batch {
			flush()
		}
		return v.ctx.Err() == nil
	})
	flush()
}

// known returns what a list needs, of one moment.
func (v *View) known() *snapshot {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.copied == nil {
		v.copied = &snapshot{
			byCreated: v.index.byCreated.Copy(),
			byName:    v.index.byName.Copy(),
			others:    v.board.others.copy(),
			unsure:    v.board.unsure(v.places.all),
		}
		v.copied.blind = v.copied.unsure != nil && len(v.copied.unsure) == len(v.places.all)
	}
	return v.copied
}

var _ pinset.Cluster = (*View)(nil)

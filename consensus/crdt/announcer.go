package crdt

import (
	"context"
	"slices"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// maxFresh bounds the announced heads of a peer that wait for their first
	// attempt. The newest matter.
	maxFresh = 1000
	// interval is the time between two attempts for new heads of one peer. The first
	// announcement is followed at once; those of the next interval are followed
	// together, which is cheaper for both sides.
	interval = 25 * time.Millisecond
	// asideInterval is the interval while the peer has heads that are put aside.
	asideInterval = time.Second
)

// announcer follows the heads of one peer. New heads get a first attempt at once, in a
// goroutine that ends when there are none left. Heads with nodes that no peer sends are
// put aside for a second goroutine (aside.go), so that they delay neither later heads of
// this peer nor those of other peers. broadcaster.mu guards the fields.
type announcer struct {
	all *broadcaster
	id  peer.ID

	fresh     []cid.Cid // oldest first
	following bool
	aside     []*asideHead // oldest first
	retrying  bool
	since     time.Time     // since when there is always a head put aside; zero for none
	reported  bool          // that, in the log
	gapSince  time.Time     // since when ancestors of heads that are here are nowhere; zero for none
	lost      bool          // a head that was put aside was dropped
	kicked    chan struct{} // has a value when the peer announced something since the last retry
}

// observe queues announced heads of a peer and starts to follow them. Of this peer's own
// announcements only the last matters: its older heads have been replaced by it.
func (a *broadcaster) observe(heads []cid.Cid, from peer.ID) {
	if len(heads) == 0 {
		return
	}
	a.fetch.resetBackoff(from)
	a.mu.Lock()
	defer a.mu.Unlock()
	p, ok := a.announcers[from]
	if !ok {
		if len(a.announcers) >= maxAnnouncers {
			a.dropped += len(heads)
			return
		}
		p = &announcer{all: a, id: from, kicked: make(chan struct{}, 1)}
		a.announcers[from] = p
	}
	if from == a.replica.options.Host.ID() {
		p.fresh = nil
	}
	for _, c := range heads {
		if h := p.find(c); h != nil {
			h.announced = time.Now()
		} else if !slices.Contains(p.fresh, c) {
			p.fresh = append(p.fresh, c)
		}
	}
	if more := len(p.fresh) - maxFresh; more > 0 {
		p.fresh = p.fresh[more:]
		a.dropped += more
	}
	select {
	case p.kicked <- struct{}{}:
	default:
	}
	if !p.following && len(p.fresh) > 0 {
		p.following = true
		a.replica.work.Go(p.follow)
	}
}

// take returns the heads that wait for their first attempt, or nil when there
// are none: then the goroutine has to end.
func (p *announcer) take() []cid.Cid {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	heads := p.fresh
	p.fresh = nil
	if len(heads) == 0 {
		p.following = false
		p.forget()
	}
	return heads
}

// forget removes an announcer that has nothing to do. The caller holds mu.
func (p *announcer) forget() {
	if !p.following && !p.retrying && len(p.aside) == 0 && len(p.fresh) == 0 {
		delete(p.all.announcers, p.id)
	}
}

// follow makes first attempts until there are no new heads of the peer.
func (p *announcer) follow() {
	life := p.all.replica.life
	select {
	case <-p.all.replica.ready:
	case <-life.Done():
		return
	}
	for heads := p.take(); heads != nil && life.Err() == nil; heads = p.take() {
		after := time.After(p.interval())
		p.attempt(life, heads, false)
		select {
		case <-after:
		case <-life.Done():
		}
	}
}

// interval returns the time between two first attempts. It is longer while heads are put
// aside: then the peer is slow, or lacks nodes that its next heads need, too.
func (p *announcer) interval() time.Duration {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	if len(p.aside) > 0 {
		return asideInterval
	}
	return interval
}

// attempt fetches missing ancestors of heads and applies all nodes whose ancestors are
// complete. The other heads are put aside, or remain so. It reports whether it made
// progress: nodes were received or applied.
func (p *announcer) attempt(ctx context.Context, heads []cid.Cid, again bool) bool {
	if p.id == nobody { // nodes of the journal are applied even if ancestors are missing
		if nodes, err := p.all.fetch.local(ctx, heads); err != nil {
			p.all.late.Warnf("applying nodes again: %s", err)
		} else {
			p.all.hand(nodes.order(heads))
		}
		return true
	}
	got := p.all.fetch.fetch(ctx, heads, p.id, again)
	if ctx.Err() != nil {
		return false
	}
	nodes, broken := got.nodes.complete(heads, got.absent)
	if gap := p.gap(broken, got, again); len(gap) > 0 {
		p.all.late.Warnf("no peer has node %s, which changes of %s stand on: they are applied without it", got.absent[0], p.id)
		nodes = got.nodes.order(gap)
		for _, c := range gap {
			broken.Remove(c)
		}
	}
	for _, c := range heads { // applied ones, too: then go-ds-crdt does not rebroadcast them
		if _, ok := got.nodes[c]; !ok && !broken.Has(c) && got.err == nil {
			nodes = append(nodes, c)
		}
	}
	p.all.hand(nodes)
	// After hand: a head is complete only when go-ds-crdt has applied it.
	p.settle(heads, broken, got)
	return got.received > 0 || len(nodes) > 0
}

package crdt

import (
	"slices"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// maxAside bounds the heads of one peer that are put aside. The oldest are
	// dropped for new ones.
	maxAside = 64
	// The time between two attempts for the heads of a peer that are put aside
	// doubles from minRetry to maxRetry, unless nodes came. A new announcement
	// of that peer is a reason for an attempt, minRetry after the last one.
	minRetry = time.Second
	maxRetry = time.Minute
	// reportAfter is how long a head is put aside before that is logged as a warning.
	reportAfter = 10 * time.Second
	// asideTTL is how long after its last announcement a head is dropped. Its peer
	// repeats it, and is asked for its heads when it connects again.
	asideTTL = time.Hour
	// gapAfter is how long a head waits for an ancestor that its own peer, which
	// responds, does not have either. After that the nodes above the gap are applied.
	gapAfter = 2 * time.Minute
)

// asideHead is a head with an ancestor that no peer has sent.
type asideHead struct {
	cid       cid.Cid
	announced time.Time // for the last time
	reason    string
}

// find returns a head that is put aside, or nil. The caller holds mu.
func (p *announcer) find(c cid.Cid) *asideHead {
	for _, h := range p.aside {
		if h.cid.Equals(c) {
			return h
		}
	}
	return nil
}

// settle records the outcome of an attempt: broken heads are put aside, complete ones are
// removed from the heads put aside.
func (p *announcer) settle(heads []cid.Cid, broken *cid.Set, got fetched) {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	for _, c := range heads {
		h := p.find(c)
		switch {
		case got.err == nil && !broken.Has(c):
			p.aside = slices.DeleteFunc(p.aside, func(h *asideHead) bool { return h.cid.Equals(c) })
		case h != nil:
			h.reason = got.reason()
		default:
			p.aside = append(p.aside, &asideHead{cid: c, announced: time.Now(), reason: got.reason()})
		}
	}
	if more := len(p.aside) - maxAside; more > 0 {
		p.all.dropped += more
		p.lost = true
		p.aside = slices.Delete(p.aside, 0, more)
	}
	p.account()
	// Some heads were dropped because there were too many. The peer repeats its newest ones.
	if len(p.aside) == 0 && p.lost {
		p.lost = false
		p.all.askHeads(p.id)
	}
	if len(p.aside) > 0 && !p.retrying {
		p.retrying = true
		p.all.replica.work.Go(p.retry)
	}
}

// account updates since when the peer has heads put aside, and logs it after reportAfter.
// The caller holds mu.
func (p *announcer) account() {
	switch {
	case len(p.aside) == 0:
		if p.reported {
			logger.Infof("all changes of %s are here after %s", p.id, time.Since(p.since).Round(time.Second))
		}
		p.since, p.reported = time.Time{}, false
	case p.since.IsZero():
		p.since = time.Now()
	case !p.reported && time.Since(p.since) > reportAfter:
		p.reported = true
		p.all.late.Warnf("changes of %s cannot be had (%d heads): %s; they are tried again, and the changes of other peers go on",
			p.id, len(p.aside), p.aside[0].reason)
	}
}

// gap returns the broken heads that are stored here and whose own peer has not had all of
// their ancestors for gapAfter either: a crash of an older program leaves such gaps.
// go-ds-crdt marks the store as dirty when it applies them, so that holes.go looks for the
// missing nodes.
func (p *announcer) gap(broken *cid.Set, got fetched, again bool) (heads []cid.Cid) {
	if !again {
		return nil
	}
	if got.lacking {
		_ = broken.ForEach(func(c cid.Cid) error {
			if _, here := got.nodes[c]; here {
				heads = append(heads, c)
			}
			return nil
		})
	}
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	switch {
	case len(heads) == 0:
		p.gapSince = time.Time{}
	case p.gapSince.IsZero():
		p.gapSince = time.Now()
	}
	// One time for all broken heads: a peer with a gap lacks the same ancestors for each.
	if len(heads) == 0 || time.Since(p.gapSince) < gapAfter {
		return nil
	}
	return heads
}

// retry makes further attempts for heads that are put aside, until there are none left.
func (p *announcer) retry() {
	life := p.all.replica.life
	for wait := minRetry; p.sleep(wait); wait = min(wait*2, maxRetry) {
		heads := p.again()
		if heads == nil {
			return
		}
		if p.attempt(life, heads, true) {
			wait = minRetry / 2
		}
	}
}

// sleep waits for the next attempt: at least minRetry, at most wait, and less than that
// when the peer announces something. It returns false when this peer stops.
func (p *announcer) sleep(wait time.Duration) bool {
	life := p.all.replica.life
	// minRetry also when the peer announces all the time.
	least, most := time.After(minRetry), time.After(wait)
	select {
	case <-least:
	case <-life.Done():
		return false
	}
	select {
	case <-most:
	case <-p.kicked:
	case <-life.Done():
		return false
	}
	return true
}

// again returns the heads for the next attempt, after dropping those older than asideTTL.
// When it returns nil, the retry goroutine must end.
func (p *announcer) again() (heads []cid.Cid) {
	select {
	case <-p.kicked: // this attempt is for that
	default:
	}
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	p.aside = slices.DeleteFunc(p.aside, func(h *asideHead) bool {
		old := time.Since(h.announced) > asideTTL
		if old {
			p.all.dropped++
			p.all.late.Warnf("head %s of %s is given up: %s, and it was not announced for %s", h.cid, p.id, h.reason, asideTTL)
		}
		return old
	})
	for _, h := range p.aside {
		heads = append(heads, h.cid)
	}
	p.account()
	if len(heads) == 0 {
		p.retrying = false
		p.forget()
	}
	return heads
}

// Waiting describes the heads of one peer that are put aside, because nodes of
// their changes cannot be had.
type Waiting struct {
	Peer      peer.ID
	Connected bool
	Heads     int
	Since     time.Time // since when there was always one
	Reason    string    // in words, of the oldest
}

// Lag describes the changes of other peers that are not applied here.
type Lag struct {
	Waiting []Waiting // sorted by time
	// Dropped counts the heads that were given up since the start.
	Dropped int
	// Applying is how long the last node is being applied.
	Applying time.Duration
}

// Lag returns the changes of other peers that are not applied here.
func (r *Replica) Lag() Lag {
	a := r.broadcaster.Load()
	if a == nil {
		return Lag{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	l := Lag{Dropped: a.dropped}
	if !a.applying.IsZero() {
		l.Applying = time.Since(a.applying)
	}
	for id, p := range a.announcers {
		if len(p.aside) == 0 {
			continue
		}
		connected := r.options.Host.Network().Connectedness(id) == network.Connected
		l.Waiting = append(l.Waiting, Waiting{
			Peer: id, Connected: connected, Heads: len(p.aside), Since: p.since, Reason: p.aside[0].reason,
		})
	}
	slices.SortFunc(l.Waiting, func(a, b Waiting) int { return a.Since.Compare(b.Since) })
	return l
}

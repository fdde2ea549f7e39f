package raft

import (
	"context"
	"time"

	hraft "github.com/hashicorp/raft"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
)

// readyPause is how often a starting Raft peer looks whether it is ready. A
// leader is heard of more often than that.
const readyPause = 200 * time.Millisecond

// barrierPatience bounds the wait for a leader's own entries.
const barrierPatience = 10 * time.Second

// quietLooks is after how many looks that show no change nobody writes.
const quietLooks = 3

// Ready implements ipfscluster.Consensus: the channel is closed when the peer
// has a vote, knows a leader, and its state has what the others had then. The
// library waits for a moment in which all that is in the log is in the state,
// which does not come to a follower while others write.
func (r *Raft) Ready(context.Context) <-chan struct{} { return r.ready }

// catchUp closes ready.
func (r *Raft) catchUp() {
	var p progress
	for !p.done(r.look()) || !r.digested() {
		if !backoff.Sleep(r.life, readyPause) {
			return
		}
	}
	close(r.ready)
}

// digested waits until the entries that Raft calls applied are in the state: so
// far they have only been sent to it. It returns false when that cannot be
// known now.
func (r *Raft) digested() bool {
	if r.log.State() == hraft.Leader {
		return r.log.Barrier(barrierPatience).Error() == nil
	}
	// A follower has no barrier. When nothing waits to be taken, the last that
	// was taken, a few dozen entries, needs a moment.
	return r.log.Stats()["fsm_pending"] == "0" && backoff.Sleep(r.life, readyPause)
}

// indexes is a look at the log: numbers of its entries.
type indexes struct {
	leading   bool // this peer is the leader
	following bool // it has a leader that it has heard of lately
	votes     bool
	last      uint64 // that has come
	committed uint64 // that a majority has, as far as this peer knows
	applied   uint64 // that is in the state
}

func (r *Raft) look() indexes {
	// In this order: the numbers only grow, and none is above the next.
	i := indexes{applied: r.log.AppliedIndex(), committed: r.log.CommitIndex(), last: r.log.LastIndex()}
	_, leader := r.log.LeaderWithID()
	i.leading = r.log.State() == hraft.Leader
	i.following = !i.leading && leader != "" && time.Since(r.log.LastContact()) < time.Minute
	i.votes = r.votes()
	return i
}

func (r *Raft) votes() bool {
	configuration := r.log.GetConfiguration()
	if configuration.Error() != nil {
		return false
	}
	for _, s := range configuration.Configuration().Servers {
		if string(s.ID) == r.self && s.Suffrage == hraft.Voter {
			return true
		}
	}
	return false
}

// progress knows which entry the state must have.
type progress struct {
	known bool
	goal  uint64
	last  uint64
	quiet int
}

// done takes one look after the other, and returns true when the peer is ready.
func (p *progress) done(i indexes) bool {
	if !i.votes || !i.leading && !i.following {
		*p = progress{}
		return false
	}
	if !p.known {
		p.find(i)
	}
	return p.known && i.applied >= p.goal
}

// find sets the goal. A leader has all entries. A follower knows of nothing that
// is committed before its leader has compared logs with it. After that, when it
// has entries that are not committed, it has all that are: while it is sent old
// ones, the newest of them is always committed already. And when nothing comes,
// there is nothing more.
func (p *progress) find(i indexes) {
	if p.quiet++; i.last != p.last {
		p.quiet = 0
	}
	p.last = i.last
	switch {
	case i.leading:
		p.known, p.goal = true, i.last
	case i.committed == 0:
	case i.committed < i.last:
		p.known, p.goal = true, i.committed
	case p.quiet >= quietLooks:
		p.known, p.goal = true, i.last
	}
}

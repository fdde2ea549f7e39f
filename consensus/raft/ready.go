package raft

import (
	"context"
	"time"

	hraft "github.com/hashicorp/raft"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
)

// pollInterval is the interval at which a starting peer checks whether it is ready. The
// leader's heartbeats are more frequent.
const pollInterval = 200 * time.Millisecond

// barrierTimeout bounds the wait until a leader has applied its own entries.
const barrierTimeout = 10 * time.Second

// quietPolls is the number of polls without a new entry after which the log is complete.
const quietPolls = 3

// Ready implements ipfscluster.Consensus: the channel is closed when the peer has a vote
// and a leader, and its state has every entry that was committed when it joined. The
// library waits until the applied index equals the last index, which does not happen at
// a follower while other peers write.
func (r *Raft) Ready(context.Context) <-chan struct{} { return r.ready }

// catchUp polls the log until the peer is ready, and closes ready.
func (r *Raft) catchUp() {
	var p progress
	for !p.done(r.poll()) || !r.stateCaughtUp() {
		if !backoff.Sleep(r.life, pollInterval) {
			return
		}
	}
	close(r.ready)
}

// stateCaughtUp waits until the entries that Raft counts as applied are in the state:
// Raft counts an entry when it is queued for the state. It returns false when that
// cannot be determined now.
func (r *Raft) stateCaughtUp() bool {
	if r.log.State() == hraft.Leader {
		return r.log.Barrier(barrierTimeout).Error() == nil
	}
	// A follower has no barrier. When the queue is empty, the batch that was taken from
	// it last, a few dozen entries, may still be in progress.
	return r.log.Stats()["fsm_pending"] == "0" && backoff.Sleep(r.life, pollInterval)
}

// indexes is a snapshot of the log's indexes and of this peer's role.
type indexes struct {
	leading   bool // this peer is the leader
	following bool // it had contact with its leader within the last minute
	votes     bool
	last      uint64 // of the last entry in the log
	committed uint64 // of the last entry that is known to be committed
	applied   uint64 // of the last entry that was sent to the state
}

func (r *Raft) poll() indexes {
	// In this order: the indexes only grow, and applied <= committed <= last.
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

// progress tracks which entry the state must have before the peer is ready.
type progress struct {
	known bool
	goal  uint64
	last  uint64
	quiet int
}

// done reports whether the peer is ready, given the newest snapshot. A peer that loses its
// vote or its leader starts again.
func (p *progress) done(i indexes) bool {
	if !i.votes || !i.leading && !i.following {
		*p = progress{}
		return false
	}
	if !p.known {
		p.setGoal(i)
	}
	return p.known && i.applied >= p.goal
}

// setGoal sets the index that the state must reach, once it is known. A leader's log is
// complete. A follower's commit index is 0 until its leader has compared logs with it.
// After that, a last index above the commit index means that catch-up is over: entries
// sent during catch-up arrive already committed. If no entry arrives for quietPolls
// polls, the log is complete, too.
func (p *progress) setGoal(i indexes) {
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
	case p.quiet >= quietPolls:
		p.known, p.goal = true, i.last
	}
}

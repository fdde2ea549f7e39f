package crdt

import (
	"context"
	"time"

	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// resumeEvery is how often the journal is read for nodes whose application
	// has failed, and stuckAfter how long it may take. A start does not wait.
	resumeEvery = 5 * time.Second
	stuckAfter  = 15 * time.Second

	// nobody announces the nodes that are applied again. No peer has this ID.
	nobody peer.ID = "journal"
)

// handOut writes the journal entry of a node of another peer before go-ds-crdt applies it.
// It does nothing if the node is applied already.
func (r *Replica) handOut(ctx context.Context, c cid.Cid) {
	err := func() error {
		if applied, err := r.journal.isApplied(ctx, c); applied || err != nil {
			return err
		}
		whole, err := r.parentsApplied(ctx, c)
		if err != nil {
			return err
		}
		return r.journal.begin(ctx, c, !whole)
	}()
	if err != nil {
		logger.Warnf("noting that node %s is being applied: %s", c, err)
	}
}

// parentsApplied reports whether a node is stored here and all its parents are applied.
func (r *Replica) parentsApplied(ctx context.Context, c cid.Cid) (bool, error) {
	block, err := r.dag.BlockStore().Get(ctx, c)
	if ipld.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	links, err := linksOf(block.RawData())
	if err != nil {
		return false, err
	}
	for _, l := range links {
		if applied, err := r.journal.isApplied(ctx, l); !applied || err != nil {
			return false, err
		}
	}
	return true, nil
}

// handled removes the journal entry of a branch that go-ds-crdt has applied. If go-ds-crdt
// could not apply all of it, the store is marked as dirty, and the entry stays: it is a
// root of the next walk (holes.go).
func (r *Replica) handled(ctx context.Context, c cid.Cid) {
	if !c.Defined() || !r.journal.has(c) {
		return
	}
	for _, e := range r.journal.open() {
		if !e.cid.Equals(c) || !e.branch {
			continue
		}
		dirty, err := r.journal.isDirty(ctx)
		if err == nil && !dirty {
			err = r.journal.end(ctx, c)
		}
		if err != nil {
			logger.Warnf("noting that node %s was applied: %s", c, err)
		}
	}
}

// resume applies nodes again: first those whose application was interrupted by the end of
// the last process, later those whose application has failed. Applying a node twice
// changes nothing. After that the nodes are heads and are announced.
func (r *Replica) resume(announcements *broadcaster) {
	// Everything in the journal at a start was interrupted.
	for _, e := range r.journal.open() {
		if e.branch {
			continue // a walk completes it
		}
		logger.Infof("the last process has ended while it applied node %s: it is applied again", e.cid)
		r.again(announcements, e)
	}
	ticker := time.NewTicker(r.resumeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-r.life.Done():
			return
		}
		for _, e := range r.journal.open() {
			if !e.branch && e.stored && time.Since(e.since) > r.stuckAfter {
				logger.Warnf("node %s was not applied wholly: it is applied again", e.cid)
				r.again(announcements, e)
			}
		}
	}
}

// again applies a node once more, even if it is marked as applied, and announces it.
func (r *Replica) again(announcements *broadcaster, e entry) {
	// go-ds-crdt skips nodes with the mark, so it is removed. After a kill at this point the
	// entry is still there, and the next start does the same again.
	first := r.journal.touch(e.cid)
	if err := r.journal.Batching.Delete(r.life, r.journal.appliedKey(e.cid)); err != nil {
		logger.Errorf("applying node %s again: %s", e.cid, err)
		return
	}
	announcements.observe([]cid.Cid{e.cid}, nobody)
	if !first {
		return
	}
	r.work.Go(func() {
		select {
		case <-e.done:
		case <-r.life.Done():
			return
		}
		data, err := encode(e.cid)
		if err == nil {
			err = announcements.Broadcast(r.life, data)
		}
		if err != nil {
			logger.Debugf("announcing node %s: %s", e.cid, err)
		}
	})
}

// touch marks an entry as being applied again from now on. It reports whether this is the
// first time.
func (j *journal) touch(c cid.Cid) (first bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e, ok := j.nodes[nameOf(c)]
	if !ok {
		return false
	}
	first = !e.again
	e.since, e.applied, e.again = time.Now(), false, true
	return first
}

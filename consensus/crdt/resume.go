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

// handOut writes the journal entry of a node of another peer that is about to be
// applied.
func (r *Replica) handOut(ctx context.Context, c cid.Cid) {
	err := func() error {
		if applied, err := r.journal.isApplied(ctx, c); applied || err != nil {
			return err
		}
		whole, err := r.standsOnApplied(ctx, c)
		if err != nil {
			return err
		}
		return r.journal.begin(ctx, c, !whole)
	}()
	if err != nil {
		logger.Warnf("noting that node %s is being applied: %s", c, err)
	}
}

// standsOnApplied reports whether a node is here and all that it links to is
// applied.
func (r *Replica) standsOnApplied(ctx context.Context, c cid.Cid) (bool, error) {
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

// handled ends the journal entry of a branch that go-ds-crdt has applied as far
// as it could. When it could not wholly, it has marked the store dirty, and the
// entry is a root of the next walk (holes.go).
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

// resume applies the nodes again whose application was interrupted by the end of
// the last process, and after that those whose application has failed. Applying
// a node twice changes nothing. Then they are heads, and announced.
func (r *Replica) resume(heard *announced) {
	for _, e := range r.journal.open() {
		if e.branch {
			continue // a walk completes it
		}
		logger.Infof("the last process has ended while it applied node %s: it is applied again", e.cid)
		r.again(heard, e)
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
				r.again(heard, e)
			}
		}
	}
}

// again has a node applied once more, though it may be marked as applied.
func (r *Replica) again(heard *announced, e entry) {
	first := r.journal.touch(e.cid)
	if err := r.journal.Batching.Delete(r.life, r.journal.appliedKey(e.cid)); err != nil {
		logger.Errorf("applying node %s again: %s", e.cid, err)
		return
	}
	heard.hear([]cid.Cid{e.cid}, nobody)
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
			err = heard.Broadcast(r.life, data)
		}
		if err != nil {
			logger.Debugf("announcing node %s: %s", e.cid, err)
		}
	})
}

// touch notes that a node is being applied again from now on. It reports whether
// it is for the first time.
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

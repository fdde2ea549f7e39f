package shards

import (
	"context"
	"fmt"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// settle is the delay between a change and the check of its roots, which debounces:
	// more changes of the same add follow.
	settle = 300 * time.Millisecond
	// grace is how long parts may be missing before they are pinned again: other kinds
	// of peers remove the shards of a root before the root.
	grace = 3 * time.Second
	// again is the delay between a failed repair and the next one.
	again = time.Minute
)

// dueCheck is a scheduled check of a root.
type dueCheck struct {
	at     time.Time
	urgent bool // a client has requested the repair: missing parts have no grace
}

// Root describes the root of a sharded add by this peer's state.
type Root struct {
	Lack  string    // why the root is not complete, in words; "" when it is complete
	Since time.Time // when Lack was found
	Parts []api.Cid // its cluster DAG and its shards, as far as they are known
}

// Observe updates the index by a change of the state, and schedules checks of its roots. It
// is a subscriber of the change feed, and does not block.
func (k *Keeper) Observe(change pinset.Change) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if pin := change.Pin; pin.Defined() && pin.Type != api.DataType {
		k.index.note(pin)
	}
	if _, ok := k.index.roots[change.CID]; ok {
		k.soon(change.CID)
	}
	k.soon(k.index.rootsOf(change.CID)...)
}

// soon schedules checks of roots after settle. The caller holds mu.
func (k *Keeper) soon(roots ...api.Cid) {
	for _, c := range roots {
		k.schedule(c, settle, false)
	}
}

// schedule schedules a check of a root after a delay. An earlier check that is scheduled
// already stays. The caller holds mu.
func (k *Keeper) schedule(c api.Cid, after time.Duration, urgent bool) {
	at := time.Now().Add(after)
	if old, ok := k.due[c]; ok {
		urgent = urgent || old.urgent
		if old.at.Before(at) {
			at = old.at
		}
	}
	k.due[c] = dueCheck{at, urgent}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// work makes the checks that are due, at most parallel at a time, until Close.
func (k *Keeper) work() {
	slots := make(chan struct{}, parallel)
	for {
		c, urgent, wait := k.next()
		if wait > 0 {
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-k.wake:
			case <-k.ctx.Done():
				timer.Stop()
				return
			}
			timer.Stop()
			continue
		}
		// Blocks while all slots are taken: checks read the state and maybe the IPFS node.
		slots <- struct{}{}
		k.spawn(func() {
			defer func() { <-slots }()
			k.checkAndRepair(c, urgent)
		})
	}
}

// next removes and returns a check that is due. When none is, it returns the time until the
// next one.
func (k *Keeper) next() (c api.Cid, urgent bool, wait time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	wait = time.Hour
	for c, d := range k.due {
		left := time.Until(d.at)
		if left <= 0 {
			delete(k.due, c)
			return c, d.urgent, 0
		}
		wait = min(wait, left)
	}
	return api.CidUndef, false, wait
}

// Check compares a root with the state now. A CID that is not a root has no parts.
func (k *Keeper) Check(ctx context.Context, c api.Cid) (Root, error) {
	p, err := k.stored(ctx, c)
	if err != nil {
		return Root{}, err
	}
	r, _, err := k.check(ctx, c, p)
	return r, err
}

// check compares root c, whose stored pin is p, with the state. It also returns the parts
// that are missing.
func (k *Keeper) check(ctx context.Context, c api.Cid, p api.Pin) (Root, []missing, error) {
	if !isRoot(p) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.index.forgetRoot(c)
		return Root{}, nil, nil
	}
	k.See(p)
	r, gone, err := k.compare(ctx, p)
	if err != nil {
		return Root{}, nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now, ok := k.index.roots[c]
	if !ok { // it was removed meanwhile
		return r, gone, nil
	}
	// The time is that of the first check that found a lack, from which repairs are scheduled.
	if now.lack == "" && r.Lack != "" {
		now.since = time.Now()
	}
	now.checked, now.lack = true, r.Lack
	r.Since = now.since
	return r, gone, nil
}

// missing is a part of a root that is not in the state, with what a repair needs.
type missing struct {
	cid   api.Cid
	dag   bool
	index int     // of a shard
	prev  api.Cid // of a shard: the one before it
}

// compare looks up the parts of a root in the state.
func (k *Keeper) compare(ctx context.Context, root api.Pin) (r Root, gone []missing, err error) {
	st, err := k.options.State(ctx)
	if err != nil {
		return r, nil, err
	}
	ref := *root.Reference
	r.Parts = append(r.Parts, ref)
	dag, err := pinset.Stored(ctx, st, ref)
	if err != nil {
		return r, nil, err
	}
	if !dag.Defined() {
		r.Lack = "its cluster DAG " + ref.String() + " is not in the pinset"
		gone = append(gone, missing{cid: ref, dag: true})
	}
	// Without the blocks of the cluster DAG its shards are not known. That is no error of this
	// peer: the root lacks them.
	shards, err := k.links(ctx, ref)
	if err != nil {
		if r.Lack == "" {
			r.Lack = err.Error()
		}
		return r, gone, nil
	}
	prev, lacking := api.CidUndef, 0
	for i, c := range shards {
		p, err := pinset.Stored(ctx, st, c)
		if err != nil {
			return r, nil, err
		}
		if !p.Defined() {
			lacking++
			gone = append(gone, missing{cid: c, index: i, prev: prev})
		}
		r.Parts = append(r.Parts, c)
		prev = c
	}
	if lacking > 0 {
		r.Lack = fmt.Sprintf("%d of its %d shards are not in the pinset", lacking, len(shards))
	}
	return r, gone, nil
}

// Roots returns the roots that are not known to be complete. It returns nil when there are
// none, as a rule.
func (k *Keeper) Roots() map[api.Cid]Root {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out map[api.Cid]Root
	for c, r := range k.index.roots {
		if r.checked && r.lack == "" {
			continue
		}
		if out == nil {
			out = make(map[api.Cid]Root)
		}
		lack := r.lack
		if !r.checked {
			lack = "its shards have not been looked for yet"
		}
		out[c] = Root{Lack: lack, Since: r.since}
	}
	return out
}

// RootsOf returns the roots that need a part, by the index: candidates for a check.
func (k *Keeper) RootsOf(part api.Cid) []api.Cid {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.index.rootsOf(part)
}

// Any reports whether the pinset has roots of sharded adds. Most pinsets have none, so that
// callers can skip their work.
func (k *Keeper) Any() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.index.roots) > 0
}

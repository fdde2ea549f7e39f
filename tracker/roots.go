package tracker

import (
	"context"
	"fmt"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/consensus/shards"
)

const (
	// rootGrace is how long a root that lacks shards is queued before it has
	// failed: they may be on their way, or are pinned again.
	rootGrace = time.Minute
	// partsAsked is up to how many parts of one root the IPFS node is asked for.
	// Of larger roots, only what the trackers know is used.
	maxLookedUpParts = 64
)

// notPinned are the statuses of operations that pin.
const notPinned = api.TrackerStatusPinQueued | api.TrackerStatusPinning | api.TrackerStatusPinError

// rootStatus returns this peer's status of the root of a sharded add, of which
// the inner tracker knows only that it is one. It is `sharded` when the pinset has
// all parts, and this peer has pinned those that it has to pin.
func (t *Tracker) rootStatus(ctx context.Context, info api.PinInfo) api.PinInfo {
	if t.options.Shards == nil || info.Status != api.TrackerStatusSharded {
		return info
	}
	root, err := t.options.Shards.Check(ctx, info.Cid)
	if err != nil {
		info.Status, info.Error = api.TrackerStatusClusterError, err.Error()
		return info
	}
	var parts worst
	for _, c := range root.Parts {
		parts.add(t.partStatus(ctx, c, len(root.Parts) <= maxLookedUpParts))
	}
	return parts.apply(info, root)
}

// partStatus returns this peer's status of a part of a root. Unless the IPFS node
// may be asked, a part that nothing is being done about counts as pinned.
func (t *Tracker) partStatus(ctx context.Context, c api.Cid, lookUp bool) api.PinInfo {
	_, noted := t.queue.get(c)
	if !lookUp && !noted && t.InnerTracker.OpContext(ctx, c) == nil {
		return api.PinInfo{Cid: c, PinInfoShort: api.PinInfoShort{Status: api.TrackerStatusPinned}}
	}
	return t.Status(ctx, c)
}

// rootStatuses returns the statuses of the roots that are not pinned, out of
// those of all pins that are not.
func (t *Tracker) rootStatuses(ctx context.Context, unpinned []api.PinInfo) []api.PinInfo {
	keeper := t.options.Shards
	if keeper == nil || !keeper.Any() {
		return nil
	}
	roots := keeper.Roots()
	parts := make(map[api.Cid]*worst, len(roots))
	for c := range roots {
		parts[c] = &worst{}
	}
	for _, info := range unpinned {
		for _, c := range keeper.RootsOf(info.Cid) {
			if parts[c] == nil {
				parts[c] = &worst{}
			}
			parts[c].add(info)
		}
	}
	var out []api.PinInfo
	for c, w := range parts {
		pin, found, err := t.stored(c)
		if err != nil || !found || pin.Type != api.MetaType {
			continue
		}
		info := t.queued(entry{cid: c, pin: pin, at: pin.Timestamp})
		info.Status = api.TrackerStatusSharded
		if info = w.apply(info, roots[c]); info.Status != api.TrackerStatusSharded {
			out = append(out, info)
		}
	}
	return out
}

// worst aggregates the statuses of a root's parts.
type worst struct {
	pinning, queued, failed int
	first                   api.PinInfo // of those that have failed
}

// add counts a part. Parts that are pinned, or of other peers only, do not change a root.
func (w *worst) add(info api.PinInfo) {
	switch info.Status {
	case api.TrackerStatusPinning:
		w.pinning++
	case api.TrackerStatusPinError, api.TrackerStatusUnexpectedlyUnpinned:
		if w.failed == 0 {
			w.first = info
		}
		w.failed++
	case api.TrackerStatusPinQueued, api.TrackerStatusClusterError,
		api.TrackerStatusUnpinQueued, api.TrackerStatusUnpinning, api.TrackerStatusUnpinError:
		w.queued++
	}
}

// apply returns the status of a root: as for a pin on several peers, one part that
// is being pinned makes it pinning, else one that waits makes it queued.
func (w *worst) apply(info api.PinInfo, root shards.Root) api.PinInfo {
	switch {
	case root.Lack != "":
		info.Status, info.Error, info.TS = api.TrackerStatusPinQueued, root.Lack, root.Since
		if !root.Since.IsZero() && time.Since(root.Since) >= rootGrace {
			info.Status = api.TrackerStatusPinError
		}
	case w.pinning > 0:
		info.Status = api.TrackerStatusPinning
	case w.queued > 0:
		info.Status = api.TrackerStatusPinQueued
	case w.failed > 0:
		info.Status, info.TS, info.AttemptCount = api.TrackerStatusPinError, w.first.TS, w.first.AttemptCount
		info.Error = fmt.Sprintf("%s, a part of it: %s", w.first.Cid, w.first.Error)
	}
	return info
}

// recoverRoot pins missing parts of a root again and recovers its other parts.
func (t *Tracker) recoverRoot(ctx context.Context, c api.Cid) (api.PinInfo, error) {
	root, err := t.options.Shards.Recover(ctx, c)
	if err != nil {
		return t.Status(ctx, c), err
	}
	for _, part := range root.Parts {
		if _, err := t.Recover(ctx, part); err != nil {
			return t.Status(ctx, c), err
		}
	}
	return t.Status(ctx, c), nil
}

// sentAgain checks the parts of a root that was written again, and tries failed parts
// again, as for any other pin. It does not wait for that.
func (t *Tracker) sentAgain(c api.Cid) {
	t.running.Go(func() {
		if _, err := t.recoverRoot(t.ctx, c); err != nil && t.ctx.Err() == nil {
			logger.Warnf("checking the shards of %s, which was sent again: %s", c, err)
		}
	})
}

// isRoot reports whether a CID is the root of a sharded add in the state.
func (t *Tracker) isRoot(c api.Cid) bool {
	pin, found, err := t.stored(c)
	return err == nil && found && pin.Type == api.MetaType
}

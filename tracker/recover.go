package tracker

import (
	"context"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Recovered is closed when all pins have been compared with the IPFS node for
// the first time since the start, and what it lacks is queued.
func (t *Tracker) Recovered() <-chan struct{} { return t.sweeps.success }

// compared returns pinset.ErrNotCompared until then. It waits up to compareWait for a
// comparison that is under way, which takes milliseconds for few pins.
func (t *Tracker) compared(ctx context.Context) error {
	if c := t.sweeps.inProgress(); c != nil {
		timer := time.NewTimer(compareWait)
		defer timer.Stop()
		select {
		case <-t.sweeps.success:
		case <-c.done:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	select {
	case <-t.sweeps.success:
		return nil
	default:
		return pinset.ErrNotCompared
	}
}

// RecoverAll compares all pins with the IPFS node, has what it lacks and what
// has failed tried again, sends that, and closes out.
//
// The library's does nothing, and says nothing, when the IPFS node does not
// answer. This one returns the error and repeats the comparison by itself until
// it succeeds; it does not wait for that, because the cluster's removal of
// expired pins waits for it.
//
// When somebody asks for it, the pins that IPFS has are checked, too. The
// cluster's own, at start and every pin_recover_interval, would read all blocks
// each time.
func (t *Tracker) RecoverAll(ctx context.Context, out chan<- api.PinInfo) error {
	defer close(out)
	if t.options.Checker != nil && ctx.Value(automatic{}) == nil {
		t.options.Checker.CheckAll()
	}
	c := t.sweeps.start()
	select {
	case <-c.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, info := range c.infos {
		select {
		case out <- info:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return c.err
}

// compare is one sweep. It returns the pins that are tried again.
func (t *Tracker) compare() ([]api.PinInfo, error) {
	var infos []api.PinInfo
	retry := func(info api.PinInfo) {
		switch info.Status {
		case api.TrackerStatusPinError:
			if pinset.CheckCID(info.Cid.Cid) != nil {
				return // it would fail again, for the same reason
			}
			infos = append(infos, info)
		case api.TrackerStatusUnexpectedlyUnpinned, api.TrackerStatusUnpinError:
			infos = append(infos, info)
		}
	}
	const lacking = api.TrackerStatusUnexpectedlyUnpinned | api.TrackerStatusPinError
	if err := t.list(t.ctx, lacking, func(info api.PinInfo) bool {
		if e, ok := t.queue.get(info.Cid); !ok || !t.mine(e) { // else it waits to be tried
			retry(info)
		}
		return true
	}); err != nil {
		return nil, err
	}
	// Pins whose unpin has failed are not in the state any more.
	if err := t.collect(t.ctx, api.TrackerStatusUnpinError, retry); err != nil {
		return nil, err
	}
	for i := range infos {
		infos[i] = t.tryAgain(infos[i])
	}
	if t.options.Shards == nil {
		return infos, nil
	}
	// Roots have no operation, so their statuses come from their parts.
	roots, err := t.unpinnedRoots(t.ctx)
	for _, info := range roots {
		infos = append(infos, info)
	}
	t.options.Shards.Sweep()
	return infos, err
}

// automatic marks the context of the cluster's own calls.
type automatic struct{}

// Automatic returns a context for ipfscluster.NewCluster, by which RecoverAll
// tells the cluster's own calls from those that somebody asks for.
func Automatic(ctx context.Context) context.Context {
	return context.WithValue(ctx, automatic{}, true)
}

// check schedules a check of the blocks of a pinned CID.
func (t *Tracker) check(c api.Cid) {
	if t.options.Checker != nil {
		t.options.Checker.Check(c.Cid)
	}
}

// Repair has a CID pinned again that the IPFS node had and of which it now lacks
// blocks. It reports whether the CID is one that this peer has to pin. It does
// not wait for IPFS.
func (t *Tracker) Repair(c api.Cid) bool {
	pin, found, err := t.stored(c)
	if err != nil || !found || pin.Type == api.MetaType || pin.IsRemotePin(t.options.Peer) {
		return false
	}
	t.queue.again(pin, func(e *entry) { e.lost, e.nodeState = true, nodeNotPinned })
	return true
}

// Recover has a CID tried again that has failed or is unexpectedly unpinned, and
// checked when it is pinned. It returns its status after that.
func (t *Tracker) Recover(ctx context.Context, c api.Cid) (api.PinInfo, error) {
	info := t.Status(ctx, c)
	if t.options.Shards != nil && t.isRoot(c) {
		return t.recoverRoot(ctx, c)
	}
	switch info.Status {
	case api.TrackerStatusUnexpectedlyUnpinned, api.TrackerStatusPinError, api.TrackerStatusUnpinError:
		info = t.tryAgain(info)
	case api.TrackerStatusPinned:
		t.check(c)
	case api.TrackerStatusPinQueued:
		t.places.renew(c)
	}
	return info, nil
}

// tryAgain queues a CID to be reconciled again and returns its status after that.
func (t *Tracker) tryAgain(info api.PinInfo) api.PinInfo {
	status := api.TrackerStatusPinQueued
	if info.Status == api.TrackerStatusUnpinError {
		status = api.TrackerStatusUnpinQueued
	}
	pin := api.Pin{
		PinOptions:  api.PinOptions{Name: info.Name, Origins: info.Origins, Metadata: info.Metadata},
		Cid:         info.Cid,
		Allocations: info.Allocations,
		Timestamp:   info.Created,
	}
	t.queue.again(pin, func(e *entry) {
		e.lost = status == api.TrackerStatusPinQueued
		e.gone = !e.lost
	})
	info.Status, info.Error, info.TS = status, "", time.Now()
	return info
}

package pinsvcapi

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// rpcCluster is the Cluster that calls a peer by RPC.
type rpcCluster struct {
	calls *calls
	// clock sets `created` when the peer's own consensus does not.
	clock *pinset.Clock
	// ids has the addresses of the members' IPFS nodes, for Delegates.
	ids *addressBook
	// reports has the latest statuses that peers reported.
	reports *reports
	// settled: a write is committed and has been observed when its call returns.
	settled bool
}

// visibleTimeout bounds the wait for the local state to have a write.
const visibleTimeout = 10 * time.Second

// Get implements Cluster.
func (r *rpcCluster) Get(ctx context.Context, c cid.Cid) (pinset.Pin, error) {
	stored, err := r.calls.pinGet(ctx, api.NewCid(c))
	if err != nil {
		return pinset.Pin{}, err
	}
	if !pinset.Shown(stored) {
		return pinset.Pin{}, pinset.ErrNotFound
	}
	return fromStored(stored), nil
}

// Put implements Cluster.
func (r *rpcCluster) Put(ctx context.Context, p pinset.Pin) (pinset.Pin, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	before, err := r.storedBefore(ctx, p)
	if err != nil {
		return pinset.Pin{}, err
	}
	if !r.settled { // else the consensus decides
		p.Created = r.clock.Created(before)
	}
	sent, err := r.calls.pin(pinset.WithRead(ctx, api.NewCid(p.CID), before), toStored(p, before))
	if err != nil {
		return pinset.Pin{}, err
	}
	if r.settled {
		return fromStored(sent), nil
	}
	stored, err := r.await(ctx, p.CID, func(now api.Pin, found bool) bool {
		return found && (sameContent(now, sent) ||
			// Somebody else has written since.
			!sameContent(now, before) && !now.Timestamp.Before(sent.Timestamp.Truncate(time.Second)))
	})
	if err != nil {
		return pinset.Pin{}, err
	}
	return fromStored(stored), nil
}

// storedBefore returns the pin that a write will replace; it is not defined when there
// is none.
func (r *rpcCluster) storedBefore(ctx context.Context, p pinset.Pin) (api.Pin, error) {
	if stored, ok := p.Before.Stored.(api.Pin); ok || p.Before.Known {
		return stored, nil
	}
	stored, err := r.calls.pinGet(ctx, api.NewCid(p.CID))
	if errors.Is(err, pinset.ErrNotFound) {
		return api.Pin{}, nil
	}
	return stored, err
}

// Delete implements Cluster.
func (r *rpcCluster) Delete(ctx context.Context, c cid.Cid) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	before, err := r.calls.pinGet(ctx, api.NewCid(c))
	if err != nil {
		return err
	}
	// A part of a sharded add is removed with its root, never by itself.
	if !pinset.Shown(before) {
		return pinset.ErrNotFound
	}
	if err := r.calls.unpin(ctx, api.NewCid(c)); err != nil || r.settled {
		return err
	}
	_, err = r.await(ctx, c, func(now api.Pin, found bool) bool {
		return !found || now.Timestamp.After(before.Timestamp)
	})
	return err
}

// await polls the local state until done is true, within visibleTimeout. Only peers
// that package peer has not assembled need it: they return from a write before their
// state has it.
func (r *rpcCluster) await(ctx context.Context, c cid.Cid, done func(api.Pin, bool) bool) (api.Pin, error) {
	ctx, cancel := context.WithTimeout(ctx, visibleTimeout)
	defer cancel()
	for interval := time.Millisecond; ; interval = min(2*interval, 50*time.Millisecond) {
		now, err := r.calls.pinGet(ctx, api.NewCid(c))
		if err != nil && !errors.Is(err, pinset.ErrNotFound) {
			return api.Pin{}, err
		}
		if done(now, err == nil) {
			return now, nil
		}
		select {
		case <-ctx.Done():
			return api.Pin{}, pinset.ErrNotVisible
		case <-time.After(interval):
		}
	}
}

// sameContent compares the fields that a client can set, and two that a write changes
// by itself: the expiry, by which a new pin differs from an expired one, and the depth,
// since a direct pin becomes recursive.
func sameContent(a, b api.Pin) bool {
	origin := func(x, y api.Multiaddr) bool { return x.Equal(y.Multiaddr) }
	return a.Name == b.Name && a.MaxDepth == b.MaxDepth && expiry(a).Equal(expiry(b)) &&
		maps.Equal(clientMeta(a.Metadata), clientMeta(b.Metadata)) &&
		slices.EqualFunc(a.Origins, b.Origins, origin)
}

// clientMeta returns metadata without the reserved keys, nil when it is empty then.
func clientMeta(meta map[string]string) map[string]string {
	var out map[string]string
	for k, v := range meta {
		if pinset.IsReserved(k) {
			continue
		}
		if out == nil {
			out = make(map[string]string, len(meta))
		}
		out[k] = v
	}
	return out
}

// expiry returns the time at which an entry of the state expires, zero for never. The state
// has seconds since 1970, so that an entry without expiry may have the year 1970.
func expiry(s api.Pin) time.Time {
	if s.ExpireAt.IsZero() || s.ExpireAt.Unix() == 0 {
		return time.Time{}
	}
	return s.ExpireAt.UTC()
}

// fromStored translates an entry of the state.
func fromStored(s api.Pin) pinset.Pin {
	p := pinset.Pin{
		CID:            s.Cid.Cid,
		Name:           s.Name,
		Meta:           clientMeta(s.Metadata),
		Created:        pinset.CreatedOf(s.Metadata, s.Timestamp, s.Cid.Cid),
		ReplicationMin: s.ReplicationFactorMin,
		ReplicationMax: s.ReplicationFactorMax,
		Sharded:        s.Type == api.MetaType,
		Expires:        expiry(s),
		Before:         pinset.Before{Known: true, Stored: s},
	}
	if s.Reference != nil {
		p.Reference = s.Reference.Cid
	}
	for _, o := range s.Origins {
		p.Origins = append(p.Origins, o.String())
	}
	if !s.IsPinEverywhere() {
		p.Allocations = api.PeersToStrings(s.Allocations)
	}
	return p
}

// slim returns a pin without the fields that may be large, which its status does not depend on.
func slim(p pinset.Pin) pinset.Pin {
	p.Name, p.Meta, p.Origins = "", nil, nil
	if stored, ok := p.Before.Stored.(api.Pin); ok {
		stored.Name, stored.Metadata, stored.Origins = "", nil, nil
		p.Before.Stored = stored
	}
	return p
}

// toStored translates a pin for the state, with `created` unless that is zero.
// Allocations stay empty, so that the allocator keeps healthy peers and replaces dead
// ones.
func toStored(p pinset.Pin, before api.Pin) api.Pin {
	meta := maps.Clone(p.Meta)
	if !p.Created.IsZero() {
		if meta == nil {
			meta = make(map[string]string, 1)
		}
		meta[pinset.CreatedKey] = pinset.EncodeCreated(p.Created)
	}
	opts := api.PinOptions{
		Name:                 p.Name,
		Metadata:             meta,
		ReplicationFactorMin: p.ReplicationMin,
		ReplicationFactorMax: p.ReplicationMax,
		ExpireAt:             p.Expires,
	}
	for _, o := range p.Origins {
		if addr, err := api.NewMultiaddr(o); err == nil {
			opts.Origins = append(opts.Origins, addr)
		}
	}
	s := api.PinWithOpts(api.NewCid(p.CID), opts)
	if p.Sharded {
		ref := api.NewCid(p.Reference)
		s.Type, s.Reference = api.MetaType, &ref
		s.Mode, s.MaxDepth, s.ShardSize = before.Mode, before.MaxDepth, before.ShardSize
	}
	return s
}

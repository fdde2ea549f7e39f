package pinsvcapi

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Status implements Cluster. Each peer is queried by itself, so that a frozen one does not
// cost the others' answers.
func (r *rpcCluster) Status(ctx context.Context, p pinset.Pin) ([]pinset.PeerStatus, error) {
	peers := p.Allocations
	if len(peers) == 0 {
		members, err := r.members(ctx)
		if err != nil {
			return nil, err
		}
		peers = members
	}
	statuses := make([]*pinset.PeerStatus, len(peers))
	each(peers, func(i int, id string) { statuses[i] = r.statusAt(ctx, p, id) })
	out := make([]pinset.PeerStatus, 0, len(peers))
	for _, s := range statuses {
		if s != nil {
			out = append(out, *s)
		}
	}
	return out, ctx.Err()
}

// each calls fn for every peer concurrently.
func each(peers []string, fn func(i int, id string)) {
	pinset.Parallel(len(peers), len(peers), func(i int) { fn(i, peers[i]) })
}

// statusAt returns the status of a pin at one peer, nil when the pin is not allocated to
// it. Without an answer it is the peer's latest.
func (r *rpcCluster) statusAt(ctx context.Context, p pinset.Pin, id string) *pinset.PeerStatus {
	info, err := r.queryStatus(ctx, p, id)
	switch {
	case errors.Is(err, errBackoffIPFS), err == nil && info.Status == api.TrackerStatusClusterError:
		s := r.lastSeen(ctx, p, id)
		s.Text, s.NoIPFS = "its IPFS node does not answer", true
		s.Name = orElse(info.PeerName, s.Name)
		return &s
	case err != nil:
		s := r.lastSeen(ctx, p, id)
		s.Silent = true
		return &s
	case info.Status == api.TrackerStatusRemote:
		return nil
	}
	s := fromTracker(info, id)
	r.reports.recordStatus(p.CID, s)
	return &s
}

// errBackoffIPFS stands for a late answer of the IPFS node of a peer.
var errBackoffIPFS = errors.New("the peer's IPFS node was late a moment ago")

// queryStatus queries one peer's tracker. A peer that is late, or whose IPFS node is, is
// not queried again for a while: a page has up to a thousand pins, and each would wait as
// long.
func (r *rpcCluster) queryStatus(ctx context.Context, p pinset.Pin, id string) (info api.PinInfo, err error) {
	dest, err := peer.Decode(id)
	if err != nil {
		return info, err
	}
	if err := r.reports.late(id); err != nil {
		return info, err
	}
	node := id + " ipfs"
	if r.reports.late(node) != nil {
		return info, errBackoffIPFS
	}
	// The tracker waits for its IPFS node about as long as this peer waits for the
	// tracker, so the result shows which of the two was late.
	start := time.Now()
	info, err = r.calls.trackerStatus(ctx, dest, p)
	late := time.Since(start) >= peerTimeout && ctx.Err() == nil
	switch {
	case late && err != nil:
		r.reports.backOff(id)
	case late && info.Status == api.TrackerStatusClusterError:
		r.reports.backOff(node)
	}
	return info, err
}

// lastSeen returns the latest status of a pin that a peer reported since the pin was
// created, or queued.
func (r *rpcCluster) lastSeen(ctx context.Context, p pinset.Pin, id string) pinset.PeerStatus {
	s, ok := r.reports.latest(p, id)
	if !ok {
		// A tracker answers from memory here, even when its IPFS node does not.
		r.queryUnpinned(ctx, id)
		s, ok = r.reports.latest(p, id)
	}
	if !ok {
		return pinset.PeerStatus{Peer: id, State: pinset.StateQueued}
	}
	return s
}

// unpinned queries every member for what it has not pinned, each within a second.
func (r *rpcCluster) unpinned(ctx context.Context) (*pinset.UnpinnedSnapshot, error) {
	members, err := r.members(ctx)
	if err != nil {
		return nil, err
	}
	each(members, func(_ int, id string) { r.queryUnpinned(ctx, id) })
	return r.reports.snapshot(members), ctx.Err()
}

// queryUnpinned queries one peer's tracker for what is not pinned, unless it was late a
// moment ago.
func (r *rpcCluster) queryUnpinned(ctx context.Context, id string) {
	if r.reports.late(id) != nil {
		r.reports.recordFailure(id)
		return
	}
	within, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	_, _ = r.Unpinned(within, id)
	if errors.Is(within.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		r.reports.backOff(id)
	}
}

// Unpinned implements Source. The list is kept.
func (r *rpcCluster) Unpinned(ctx context.Context, id string) (pinset.Unpinned, error) {
	dest, err := peer.Decode(id)
	if err != nil {
		return pinset.Unpinned{}, err
	}
	// The list is as old as the query: a pin that is added meanwhile may be missing.
	asked := time.Now()
	infos, err := r.calls.trackerUnpinned(ctx, dest)
	if err != nil && !pinset.NotCompared(err) {
		if !errors.Is(ctx.Err(), context.Canceled) { // which says nothing about the peer
			r.reports.recordFailure(id)
		}
		return pinset.Unpinned{}, err
	}
	list := pinset.Unpinned{Asked: asked, Partial: err != nil, Pins: make(map[cid.Cid]pinset.PeerStatus, len(infos))}
	for _, info := range infos {
		list.Pins[info.Cid.Cid] = fromTracker(info, id)
	}
	r.reports.recordList(id, list)
	return list, nil
}

// members returns the peer IDs of the cluster's members, in a stable order.
func (r *rpcCluster) members(ctx context.Context) ([]string, error) {
	peers, err := r.calls.members(ctx)
	if err != nil {
		return nil, err
	}
	if len(peers) == 0 {
		return nil, pinset.Unavailable("the cluster has no members yet", nil)
	}
	ids := api.PeersToStrings(peers)
	slices.Sort(ids)
	return ids, nil
}

// fromTracker translates a tracker's status.
func fromTracker(info api.PinInfo, id string) pinset.PeerStatus {
	s := pinset.PeerStatus{
		Peer:     id,
		Name:     info.PeerName,
		Text:     strings.TrimSpace(info.Error),
		Attempts: info.AttemptCount,
		Since:    info.TS,
	}
	switch info.Status {
	case api.TrackerStatusPinned, api.TrackerStatusSharded:
		s.State, s.Text = pinset.StatePinned, ""
	case api.TrackerStatusPinning:
		s.State = pinset.StatePinning
	case api.TrackerStatusPinError:
		s.State = pinset.StateFailed
	case api.TrackerStatusPinQueued: // with why it waits, if it is for something
		s.State = pinset.StateQueued
	default:
		s.State, s.Text = pinset.StateQueued, ""
	}
	return s
}

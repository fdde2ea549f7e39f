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

// Status implements Cluster. Each peer is asked by itself, so that a frozen
// one does not cost the others' answers.
func (r *rpcCluster) Status(ctx context.Context, p pinset.Pin) ([]pinset.PeerStatus, error) {
	peers := p.Allocations
	if len(peers) == 0 {
		members, err := r.members(ctx)
		if err != nil {
			return nil, err
		}
		peers = members
	}
	said := make([]*pinset.PeerStatus, len(peers))
	each(peers, func(i int, id string) { said[i] = r.statusAt(ctx, p, id) })
	out := make([]pinset.PeerStatus, 0, len(peers))
	for _, s := range said {
		if s != nil {
			out = append(out, *s)
		}
	}
	return out, ctx.Err()
}

// each calls fn for every peer, all at once.
func each(peers []string, fn func(i int, id string)) {
	pinset.Parallel(len(peers), len(peers), func(i int) { fn(i, peers[i]) })
}

// statusAt returns what one peer says of a pin, nil when the pin is none of
// that peer's. Without an answer it is what was last seen.
func (r *rpcCluster) statusAt(ctx context.Context, p pinset.Pin, id string) *pinset.PeerStatus {
	info, err := r.askStatus(ctx, p, id)
	switch {
	case errors.Is(err, errMutedIPFS), err == nil && info.Status == api.TrackerStatusClusterError:
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
	r.answers.sawStatus(p.CID, s)
	return &s
}

var errMutedIPFS = errors.New("the peer's IPFS node was late a moment ago")

// askStatus asks one peer's tracker. Who is late, the peer or the IPFS node
// that its tracker asks, is not asked again for a while: a page has up to a
// thousand pins, and each would wait as long.
func (r *rpcCluster) askStatus(ctx context.Context, p pinset.Pin, id string) (info api.PinInfo, err error) {
	dest, err := peer.Decode(id)
	if err != nil {
		return info, err
	}
	if err := r.answers.muted(id); err != nil {
		return info, err
	}
	node := id + " ipfs"
	if r.answers.muted(node) != nil {
		return info, errMutedIPFS
	}
	start := time.Now()
	info, err = r.calls.trackerStatus(ctx, dest, p)
	late := time.Since(start) >= peerTimeout && ctx.Err() == nil
	switch {
	case late && err != nil:
		r.answers.mute(id)
	case late && info.Status == api.TrackerStatusClusterError:
		r.answers.mute(node)
	}
	return info, err
}

// lastSeen returns the last status seen from a peer for a pin, or queued. What
// was seen before the pin was created does not count.
func (r *rpcCluster) lastSeen(ctx context.Context, p pinset.Pin, id string) pinset.PeerStatus {
	s, ok := r.answers.lastStatus(p, id)
	if !ok {
		// The tracker's memory answers even when its IPFS node does not.
		r.askUnpinned(ctx, id)
		s, ok = r.answers.lastStatus(p, id)
	}
	if !ok {
		return pinset.PeerStatus{Peer: id, State: pinset.StateQueued}
	}
	return s
}

// unsettled asks every member for what it has not pinned, each within a second.
func (r *rpcCluster) unsettled(ctx context.Context) (unsettled, error) {
	members, err := r.members(ctx)
	if err != nil {
		return unsettled{}, err
	}
	each(members, func(_ int, id string) { r.askUnpinned(ctx, id) })
	u := unsettled{
		members: members,
		pins:    make(map[cid.Cid][]pinset.PeerStatus),
		silent:  make(map[string]time.Time),
	}
	for id, a := range r.answers.allUnpinned() {
		// Who has left the cluster, or is down for long, is no member.
		member := slices.Contains(members, id)
		silent := a.failed || !member
		switch {
		case a.Partial && member:
			u.doubtful = append(u.doubtful, id)
		case a.Partial:
			u.silent[id] = time.Time{}
		case silent:
			u.silent[id] = a.Asked
		}
		for c, s := range a.Pins {
			s.Silent = silent
			u.pins[c] = append(u.pins[c], s)
		}
	}
	return u, ctx.Err()
}

// askUnpinned asks one peer's tracker for what is not pinned, unless it was
// late a moment ago.
func (r *rpcCluster) askUnpinned(ctx context.Context, id string) {
	if r.answers.muted(id) != nil {
		r.answers.failedUnpinned(id)
		return
	}
	within, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	_, _ = r.Unpinned(within, id)
	if errors.Is(within.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		r.answers.mute(id)
	}
}

// Unpinned implements Source. The answer is remembered.
func (r *rpcCluster) Unpinned(ctx context.Context, id string) (pinset.Unpinned, error) {
	dest, err := peer.Decode(id)
	if err != nil {
		return pinset.Unpinned{}, err
	}
	asked := time.Now()
	infos, err := r.calls.trackerUnpinned(ctx, dest)
	if err != nil && !pinset.NotCompared(err) {
		if !errors.Is(ctx.Err(), context.Canceled) { // which says nothing about the peer
			r.answers.failedUnpinned(id)
		}
		return pinset.Unpinned{}, err
	}
	said := pinset.Unpinned{Asked: asked, Partial: err != nil, Pins: make(map[cid.Cid]pinset.PeerStatus, len(infos))}
	for _, info := range infos {
		said.Pins[info.Cid.Cid] = fromTracker(info, id)
	}
	r.answers.sawUnpinned(id, said)
	return said, nil
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

// fromTracker translates a tracker's word.
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

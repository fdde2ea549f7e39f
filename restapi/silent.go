package restapi

import (
	"context"
	"iter"
	"slices"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"
)

// pingMetric is the metric that every running peer sends.
const pingMetric = "ping"

// Statuses keeps the latest status of each pin that each peer reported.
type Statuses interface {
	// Saw keeps a status.
	Saw(c api.Cid, id peer.ID, status api.PinInfoShort)
	// Last returns the latest status since the pin was created, false when there is
	// none.
	Last(info api.GlobalPinInfo, id peer.ID) (api.PinInfoShort, bool)
}

// WithStatuses replaces the "cluster_error" of a peer that does not answer by the
// latest status that it reported, or "pin_queued", while the peer's ping metric is
// valid. So a peer that restarts is not an error.
func WithStatuses(s Statuses) Option {
	return func(o *options) { o.statuses = s }
}

// status returns the status of one pin, with the latest ones of silent peers.
func (a *API) status(ctx context.Context, c api.Cid, scope Scope) (api.GlobalPinInfo, error) {
	info, err := a.cluster.Status(ctx, c, scope)
	if err != nil || scope == Local || a.statuses == nil {
		return info, err
	}
	for text, s := range info.PeerMap {
		if id, err := peer.Decode(text); err == nil && s.Status != api.TrackerStatusClusterError {
			a.statuses.Saw(c, id, s)
		}
	}
	return newSilence(ctx, a).fill(info, api.TrackerStatusUndefined), nil
}

// statusAll lists the pins with a status of the filter, with the latest ones of silent
// peers.
func (a *API) statusAll(ctx context.Context, filter api.TrackerStatus, scope Scope) iter.Seq2[api.GlobalPinInfo, error] {
	infos := a.cluster.StatusAll(ctx, filter, scope)
	if scope == Local || a.statuses == nil {
		return infos
	}
	return func(yield func(api.GlobalPinInfo, error) bool) {
		s := newSilence(ctx, a)
		for info, err := range infos {
			if err == nil {
				if info = s.fill(info, filter); len(info.PeerMap) == 0 {
					continue
				}
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

// silence finds the peers that do not answer although their pings are valid, once for
// each request.
type silence struct {
	ctx context.Context
	api *API
	// pings has the peers with a valid ping. Nil: they have not been read yet.
	pings map[peer.ID]bool
	// silent has the peers that were queried, and whether they did not answer.
	silent map[peer.ID]bool
}

// newSilence returns a silence for one request.
func newSilence(ctx context.Context, a *API) *silence {
	return &silence{ctx: ctx, api: a, silent: make(map[peer.ID]bool)}
}

// fill replaces the status cluster_error of silent peers, and then drops those that do
// not match the filter.
func (s *silence) fill(info api.GlobalPinInfo, filter api.TrackerStatus) api.GlobalPinInfo {
	filled := info
	filled.PeerMap = make(map[string]api.PinInfoShort, len(info.PeerMap))
	for text, status := range info.PeerMap {
		if status.Status == api.TrackerStatusClusterError {
			status = s.last(info, text, status)
			if !status.Status.Match(filter) && status.Status != api.TrackerStatusClusterError {
				continue
			}
		}
		filled.PeerMap[text] = status
	}
	return filled
}

// last returns the status to show in place of a peer's cluster_error.
func (s *silence) last(info api.GlobalPinInfo, text string, failed api.PinInfoShort) api.PinInfoShort {
	id, err := peer.Decode(text)
	if err != nil || !s.alive(id) {
		return failed
	}
	silent, queried := s.silent[id]
	if !queried {
		answer, err := s.api.cluster.StatusAt(s.ctx, info.Cid, id)
		silent = err != nil
		s.silent[id] = silent
		if !silent {
			return answer.PinInfoShort
		}
	}
	if !silent { // the error is about its IPFS node
		return failed
	}
	shown := failed
	switch last, known := s.api.statuses.Last(info, id); {
	case len(info.Allocations) > 0 && !slices.Contains(info.Allocations, id):
		shown.Status, shown.Error = api.TrackerStatusRemote, ""
	case known:
		shown.Status, shown.AttemptCount = last.Status, last.AttemptCount
		shown.Error = "the peer does not answer, this is its last status: " + failed.Error
	default:
		shown.Status = api.TrackerStatusPinQueued
		shown.Error = "the peer does not answer, its status is not known: " + failed.Error
	}
	return shown
}

// alive reports whether a peer's ping metric is valid.
func (s *silence) alive(id peer.ID) bool {
	if s.pings == nil {
		s.pings = make(map[peer.ID]bool)
		metrics, err := s.api.cluster.Metrics(s.ctx, pingMetric)
		if err != nil {
			logger.Debugw("the pings of the peers are not known", "error", err)
		}
		for _, m := range metrics {
			s.pings[m.Peer] = !m.Discard()
		}
	}
	return s.pings[id]
}

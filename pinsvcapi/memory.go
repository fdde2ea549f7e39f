package pinsvcapi

import (
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Memory keeps the latest reports of peers. The APIs of a peer can share one, so that they
// show the same of a peer that is silent.
type Memory struct{ reports *reports }

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{newReports()} }

// WithMemory makes the API use a Memory that it shares with others.
func WithMemory(m *Memory) Option {
	return func(o *options) { o.memory = m }
}

// Saw keeps a peer's status of a pin. Errors of the peer and "remote" are ignored.
func (m *Memory) Saw(c api.Cid, id peer.ID, status api.PinInfoShort) {
	switch status.Status {
	case api.TrackerStatusUndefined, api.TrackerStatusClusterError, api.TrackerStatusRemote:
		return
	}
	m.reports.recordStatus(c.Cid, fromTracker(api.PinInfo{Cid: c, Peer: id, PinInfoShort: status}, id.String()))
}

// Last returns the latest status of a pin that a peer reported since the pin was created,
// as one of pinned, pinning, pin_error and pin_queued; false when there is none.
func (m *Memory) Last(info api.GlobalPinInfo, id peer.ID) (status api.PinInfoShort, ok bool) {
	created := pinset.CreatedOf(info.Metadata, info.Created, info.Cid.Cid)
	if info.Metadata[pinset.CreatedKey] == "" { // some time in that second
		created = info.Created.Truncate(time.Second).Add(time.Second)
	}
	s, ok := m.reports.latest(pinset.Pin{CID: info.Cid.Cid, Created: created}, id.String())
	if !ok {
		return status, false
	}
	status.PeerName, status.TS, status.AttemptCount, status.Error = s.Name, s.Since, s.Attempts, s.Text
	// Several tracker statuses are one State, so that some have changed on the way.
	switch s.State {
	case pinset.StatePinned:
		status.Status = api.TrackerStatusPinned
	case pinset.StatePinning:
		status.Status = api.TrackerStatusPinning
	case pinset.StateFailed:
		status.Status = api.TrackerStatusPinError
	default:
		status.Status = api.TrackerStatusPinQueued
	}
	return status, true
}

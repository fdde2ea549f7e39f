package pinsvcapi

import (
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Memory holds the last statuses of pins that peers answered with. Several APIs of
// a peer can share one, so that they say the same of a peer that is silent.
type Memory struct{ answers *answers }

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{newAnswers()} }

// WithMemory makes the API use a Memory that others use, too.
func WithMemory(m *Memory) Option {
	return func(o *options) { o.memory = m }
}

// Saw remembers a peer's status of a pin. An error of the peer is none, and neither
// is "remote".
func (m *Memory) Saw(c api.Cid, id peer.ID, status api.PinInfoShort) {
	switch status.Status {
	case api.TrackerStatusUndefined, api.TrackerStatusClusterError, api.TrackerStatusRemote:
		return
	}
	m.answers.sawStatus(c.Cid, fromTracker(api.PinInfo{Cid: c, Peer: id, PinInfoShort: status}, id.String()))
}

// Last returns the last status of a pin that a peer answered with since the pin was
// created, as one of pinned, pinning, pin_error and pin_queued; false when there is
// none.
func (m *Memory) Last(info api.GlobalPinInfo, id peer.ID) (status api.PinInfoShort, ok bool) {
	created := pinset.CreatedOf(info.Metadata, info.Created, info.Cid.Cid)
	if info.Metadata[pinset.CreatedKey] == "" { // some time in that second
		created = info.Created.Truncate(time.Second).Add(time.Second)
	}
	s, ok := m.answers.lastStatus(pinset.Pin{CID: info.Cid.Cid, Created: created}, id.String())
	if !ok {
		return status, false
	}
	status.PeerName, status.TS, status.AttemptCount, status.Error = s.Name, s.Since, s.Attempts, s.Text
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

package peer

import (
	"github.com/ipfs-cluster/ipfs-cluster/pintracker/stateless"

	"github.com/ipfs-cluster/pinsvc/tracker"
)

// Fetches that go on while others take their places. One of the embedded node
// costs some goroutines and, unless its blocks come fast, little else. One of a
// Kubo is a connection to the daemon, too.
const (
	embeddedBackground = 128
	kuboBackground     = 32
)

// places says how many pins are fetched at once.
func (p *Peer) places(away func() bool) tracker.PlaceOptions {
	cfg := p.settings.Tracker
	o := tracker.PlaceOptions{
		Concurrent:      cfg.ConcurrentPins,
		Background:      kuboBackground,
		PriorityAge:     cfg.PriorityPinMaxAge,
		PriorityRetries: cfg.PriorityPinMaxRetries,
		Away:            away,
	}
	if p.node != nil {
		o.Background = embeddedBackground
	}
	return o
}

// innerTracker is the configuration of the library's tracker, which is given only
// pins that begin at once, and needs a worker for each.
func innerTracker(cfg *stateless.Config, o tracker.PlaceOptions) *stateless.Config {
	inner := *cfg
	inner.ConcurrentPins = o.Workers()
	inner.MaxPinQueueSize = max(cfg.MaxPinQueueSize, 2*o.Workers())
	return &inner
}

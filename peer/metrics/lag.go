package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ipfs-cluster/pinsvc/consensus/crdt"
)

// Lag measures the changes of other CRDT peers that this peer cannot fetch. While there
// are any, the pinset of this peer is behind theirs, though it answers as usual.
type Lag struct {
	source lagSource

	heads, peers, oldest, applying, dropped *prometheus.Desc
}

// lagSource is the consensus of a CRDT peer.
type lagSource interface{ Lag() crdt.Lag }

// NewLag returns the collector of a consensus.
func NewLag(l lagSource) *Lag {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	return &Lag{
		source:   l,
		heads:    desc("pinsvc_crdt_missing_heads", "Heads announced by other peers whose changes cannot be had. They are tried again."),
		peers:    desc("pinsvc_crdt_missing_heads_peers", "Peers that announced those heads."),
		oldest:   desc("pinsvc_crdt_missing_heads_oldest_seconds", "How long the changes of the oldest of those heads have been missing."),
		applying: desc("pinsvc_crdt_applying_seconds", "How long the change that is being applied takes so far."),
		dropped:  desc("pinsvc_crdt_dropped_heads_total", "Announced heads that were dropped: too many, or too old. They come again with the next announcement."),
	}
}

// Describe implements prometheus.Collector.
func (m *Lag) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.heads, m.peers, m.oldest, m.applying, m.dropped} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m *Lag) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	l := m.source.Lag()
	// Waiting has one element for each peer with missing heads, so its length counts peers.
	heads, oldest := 0, 0.0
	for _, w := range l.Waiting {
		heads += w.Heads
		oldest = max(oldest, time.Since(w.Since).Seconds())
	}
	gauge(m.heads, float64(heads))
	gauge(m.peers, float64(len(l.Waiting)))
	gauge(m.oldest, oldest)
	gauge(m.applying, l.Applying.Seconds())
	to <- prometheus.MustNewConstMetric(m.dropped, prometheus.CounterValue, float64(l.Dropped))
}

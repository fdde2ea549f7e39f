package peer

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lagMeter measures the changes of other CRDT peers that this peer cannot have.
type lagMeter struct {
	lagging lagging

	heads, peers, oldest, applying, dropped *prometheus.Desc
}

func newLagMeter(l lagging) *lagMeter {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	return &lagMeter{
		lagging:  l,
		heads:    desc("pinsvc_crdt_missing_heads", "Heads announced by other peers whose changes cannot be had. They are tried again."),
		peers:    desc("pinsvc_crdt_missing_heads_peers", "Peers that announced those heads."),
		oldest:   desc("pinsvc_crdt_missing_heads_oldest_seconds", "How long the changes of the oldest of those heads have been missing."),
		applying: desc("pinsvc_crdt_applying_seconds", "How long the change that is being applied takes so far."),
		dropped:  desc("pinsvc_crdt_dropped_heads_total", "Announced heads that were dropped: too many, or too old. They come again with the next announcement."),
	}
}

// Describe implements prometheus.Collector.
func (m *lagMeter) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.heads, m.peers, m.oldest, m.applying, m.dropped} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m *lagMeter) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	l := m.lagging.Lag()
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

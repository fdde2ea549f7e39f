package metrics

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// tallyTimeout bounds how long a collection waits for the tracker.
	tallyTimeout = 2 * time.Second
	// tallyAge is how old a tally may get, however often somebody collects.
	tallyAge = 5 * time.Second
)

// Pins measures what the peer does with its pins. The names are also in
// docs/grafana.json.
type Pins struct {
	accepted prometheus.Histogram
	failures *prometheus.CounterVec
	states   *prometheus.Desc
	oldest   *prometheus.Desc

	// Tracker is asked for what is not pinned, when metrics are collected.
	Tracker ipfscluster.PinTracker

	mu   sync.Mutex
	last tally
}

// tally is what the tracker of this peer says of the pins that are not pinned.
type tally struct {
	at     time.Time
	states map[string]int
	oldest time.Time // since when the first of the queue waits
}

func NewPins() *Pins {
	return &Pins{
		accepted: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "pinsvc_pin_accepted_to_pinned_seconds",
			Help:    "Time from a pin's created to this peer's IPFS node having all of it.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400},
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pinsvc_pin_failures_total",
			Help: "Attempts of this peer to pin that failed, by reason (timeout, unreachable, no_space, other).",
		}, []string{"reason"}),
		states: prometheus.NewDesc("pinsvc_peer_pins_unpinned",
			"Pins that this peer is to hold and does not yet, by status (queued, pinning, failed).", []string{"status"}, nil),
		oldest: prometheus.NewDesc("pinsvc_peer_queue_oldest_seconds",
			"How long the oldest of this peer's queued pins has waited.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (m *Pins) Describe(to chan<- *prometheus.Desc) {
	m.accepted.Describe(to)
	m.failures.Describe(to)
	to <- m.states
	to <- m.oldest
}

// Collect implements prometheus.Collector. Without an answer of the tracker in
// time, its metrics are left out.
func (m *Pins) Collect(to chan<- prometheus.Metric) {
	m.accepted.Collect(to)
	m.failures.Collect(to)
	t, ok := m.tally()
	if !ok {
		return
	}
	for status, n := range t.states {
		to <- prometheus.MustNewConstMetric(m.states, prometheus.GaugeValue, float64(n), status)
	}
	waited := 0.0
	if !t.oldest.IsZero() {
		waited = time.Since(t.oldest).Seconds()
	}
	to <- prometheus.MustNewConstMetric(m.oldest, prometheus.GaugeValue, waited)
}

// tally asks the tracker, unless somebody did a moment ago.
func (m *Pins) tally() (tally, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.last.at.IsZero() && time.Since(m.last.at) < tallyAge {
		return m.last, true
	}
	ctx, cancel := context.WithTimeout(context.Background(), tallyTimeout)
	defer cancel()
	t := tally{at: time.Now(), states: map[string]int{"queued": 0, "pinning": 0, "failed": 0}}
	out := make(chan api.PinInfo, 1024)
	failed := make(chan error, 1)
	go func() { failed <- m.Tracker.StatusAll(ctx, unpinned, out) }()
	for info := range out {
		status := statusOf(info.Status)
		t.states[status]++
		if status == "queued" && (t.oldest.IsZero() || info.TS.Before(t.oldest)) {
			t.oldest = info.TS
		}
	}
	if err := <-failed; err != nil {
		return tally{}, false
	}
	m.last = t
	return t, true
}

// unpinned are the tracker statuses of a pin that this peer is to hold and does
// not yet.
const unpinned = api.TrackerStatusPinQueued | api.TrackerStatusPinning | api.TrackerStatusPinError | api.TrackerStatusUnexpectedlyUnpinned

func statusOf(s api.TrackerStatus) string {
	switch s {
	case api.TrackerStatusPinning:
		return "pinning"
	case api.TrackerStatusPinError:
		return "failed"
	default:
		return "queued"
	}
}

// Attempted notes what became of an attempt to pin.
func (m *Pins) Attempted(pin api.Pin, err error) {
	if err != nil {
		m.failures.WithLabelValues(reasonOf(err)).Inc()
		return
	}
	created := pinset.CreatedOf(pin.Metadata, pin.Timestamp, pin.Cid.Cid)
	m.accepted.Observe(max(0, time.Since(created).Seconds()))
}

// reasonOf sorts the errors of IPFS nodes, which are texts. Their number must
// stay small.
func reasonOf(err error) string {
	text := strings.ToLower(err.Error())
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("storage limit", "no space", "maximum storage"):
		return "no_space"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), // by the connector itself
		has("deadline exceeded", "timed out", "timeout", "no progress"):
		return "timeout"
	case has("connection refused", "connection reset", "eof", "no such host", "unreachable"):
		return "unreachable"
	}
	return "other"
}

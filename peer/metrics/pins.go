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
	// tallyAge is how long a tally is reused: it reads every unpinned pin, which a scraper
	// with a short interval must not cause each time.
	tallyAge = 5 * time.Second
)

// Pins measures what the peer does with its pins. The names are also in
// docs/grafana.json.
type Pins struct {
	accepted prometheus.Histogram
	failures *prometheus.CounterVec
	states   *prometheus.Desc
	oldest   *prometheus.Desc

	// Tracker lists the unpinned pins when metrics are collected. It must be set before
	// the first collection.
	Tracker ipfscluster.PinTracker

	// mu is held during a tally, so that concurrent collections share one.
	mu   sync.Mutex
	last tally
}

// tally counts the pins that the tracker of this peer reports as not pinned.
type tally struct {
	at     time.Time
	states map[string]int
	oldest time.Time // when the longest-waiting queued pin was queued; zero: none is
}

// NewPins returns the collector of a peer's pins. The buckets reach from a block that is
// here already to a day, which a large DAG may take.
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

// Collect implements prometheus.Collector. When the tracker does not answer within
// tallyTimeout, its metrics are left out.
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

// tally counts the tracker's unpinned pins, or returns a count younger than tallyAge.
func (m *Pins) tally() (tally, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.last.at.IsZero() && time.Since(m.last.at) < tallyAge {
		return m.last, true
	}
	ctx, cancel := context.WithTimeout(context.Background(), tallyTimeout)
	defer cancel()
	// Every status starts at 0: a series that vanishes when its last pin is done would keep
	// its old value in some graphs.
	t := tally{at: time.Now(), states: map[string]int{"queued": 0, "pinning": 0, "failed": 0}}
	out := make(chan api.PinInfo, 1024)
	failed := make(chan error, 1)
	go func() { failed <- m.Tracker.StatusAll(ctx, unpinned, out) }()
	// StatusAll closes out when it returns, also with an error.
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

// statusOf names a status of the mask unpinned. A pin that was unpinned unexpectedly is
// pinned again, so it counts as queued.
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

// Attempted records the result of an attempt to pin. A clock that is ahead on the peer
// that accepted the pin gives a negative time, which counts as 0.
func (m *Pins) Attempted(pin api.Pin, err error) {
	if err != nil {
		m.failures.WithLabelValues(reasonOf(err)).Inc()
		return
	}
	created := pinset.CreatedOf(pin.Metadata, pin.Timestamp, pin.Cid.Cid)
	m.accepted.Observe(max(0, time.Since(created).Seconds()))
}

// reasonOf classifies the errors of IPFS nodes, which are texts. It returns one of four
// reasons, since each value of a label is a time series of its own.
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

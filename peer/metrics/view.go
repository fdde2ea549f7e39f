package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ipfs-cluster/pinsvc/pinset"
	"github.com/ipfs-cluster/pinsvc/pinset/view"
)

// View measures the pinset through the view that lists are made from, so that metrics and
// lists agree, and a collection scans nothing.
type View struct {
	view *view.View

	pins, size, pending, complete *prometheus.Desc
}

// NewView returns the collector of a view.
func NewView(v *view.View) *View {
	return &View{
		view:     v,
		pins:     prometheus.NewDesc("pinsvc_pins", "Pins of the pinset, by pin status.", []string{"status"}, nil),
		size:     prometheus.NewDesc("pinsvc_view_pins", "Pins that the view of the pinset has.", nil, nil),
		pending:  prometheus.NewDesc("pinsvc_view_pending_changes", "Always 0: the view has every change that is committed. Kept for dashboards.", nil, nil),
		complete: prometheus.NewDesc("pinsvc_view_complete", "1 when lists are made from the view, 0 while it is being built.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (m *View) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.pins, m.size, m.pending, m.complete} {
		to <- d
	}
}

// Collect implements prometheus.Collector. While the view is being built, the
// pins are not counted by status: that would be a scan.
func (m *View) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(m.size, float64(m.view.Size()))
	gauge(m.pending, 0)
	select {
	case <-m.view.Complete():
	default:
		gauge(m.complete, 0)
		return
	}
	gauge(m.complete, 1)
	ctx, cancel := context.WithTimeout(context.Background(), tallyTimeout)
	defer cancel()
	for _, s := range []pinset.Status{
		pinset.StatusQueued, pinset.StatusPinning, pinset.StatusPinned, pinset.StatusFailed,
	} {
		selected, err := m.view.Select(ctx, pinset.Selection{Statuses: []pinset.Status{s}})
		if err != nil {
			return
		}
		gauge(m.pins, float64(selected.Count), string(s))
	}
}

package peer

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ipfs-cluster/pinsvc/peer/metrics"
)

// registerMetrics adds the collectors of the peer and its APIs to the endpoint of
// observations.metrics.
func (b *builder) registerMetrics() error {
	if !b.settings.Metrics.EnableStats {
		return nil
	}
	b.meter.Tracker = b.tracker
	all := []prometheus.Collector{b.meter}
	if b.view != nil {
		all = append(all, metrics.NewView(b.view))
	}
	if b.lagging != nil {
		all = append(all, metrics.NewLag(b.lagging))
	}
	if b.node != nil {
		all = append(all, metrics.NewNode(b.node))
	}
	for _, d := range b.doors {
		if m, ok := d.api.(interface{ Collector() prometheus.Collector }); ok {
			all = append(all, m.Collector())
		}
	}
	unregister, err := metrics.Register(all...)
	if err != nil {
		return err
	}
	b.closeWith("metrics", func(context.Context) error { unregister(); return nil })
	return nil
}

package peer

import (
	"context"
	"fmt"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/observations"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"
	"go.opencensus.io/trace"
)

// observe starts metrics and tracing when they are enabled.
func (s *Settings) observe() (ipfscluster.Tracer, error) {
	setTracer(trace.DefaultTracer, s.Tracing.EnableTracing)
	tracer, err := observations.SetupTracing(s.Tracing)
	if err != nil {
		return nil, fmt.Errorf("observations.tracing: %w", err)
	}
	return tracer, nil
}

// registerMetrics adds what the peer and its doors measure to what the library's
// endpoint shows (observations.metrics.prometheus_endpoint): an operator has one
// address to collect from, and one place to disable.
func (b *builder) registerMetrics() error {
	if !b.settings.Metrics.EnableStats {
		return nil
	}
	b.meter.tracker = b.tracker
	all := []prometheus.Collector{b.meter}
	if b.view != nil {
		all = append(all, newViewMeter(b.view))
	}
	if b.lagging != nil {
		all = append(all, newLagMeter(b.lagging))
	}
	if b.node != nil {
		all = append(all, newNodeMeter(b.node))
	}
	for _, d := range b.doors {
		if m, ok := d.api.(interface{ Collector() prometheus.Collector }); ok {
			all = append(all, m.Collector())
		}
	}
	for _, c := range all {
		if err := observations.PromRegistry.Register(c); err != nil {
			return fmt.Errorf("observations.metrics: %w", err)
		}
		b.closeWith("metrics", func(context.Context) error { observations.PromRegistry.Unregister(c); return nil })
	}
	return nil
}

// spreadTracing tells every component what the section says: they have no
// key for it of their own.
func (s *Settings) spreadTracing(id peer.ID) {
	on := s.Tracing.EnableTracing
	s.Tracing.ClusterID = id.String()
	s.Tracing.ClusterPeername = s.Cluster.Peername
	s.Cluster.Tracing = on
	s.Raft.Tracing = on
	s.Crdt.Tracing = on
	s.Ipfshttp.Tracing = on
	s.Ipfsproxy.Tracing = on
}

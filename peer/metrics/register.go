package metrics

import (
	"fmt"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/observations"
	"github.com/prometheus/client_golang/prometheus"
	"go.opencensus.io/trace"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// StartTracing starts tracing when it is enabled. The switch is set first, so that the
// exporter gets spans from the beginning.
func StartTracing(s *settings.Settings) (ipfscluster.Tracer, error) {
	setTracer(trace.DefaultTracer, s.Tracing.EnableTracing)
	tracer, err := observations.SetupTracing(s.Tracing)
	if err != nil {
		return nil, fmt.Errorf("observations.tracing: %w", err)
	}
	return tracer, nil
}

// Register adds collectors to what the library's endpoint shows
// (observations.metrics.prometheus_endpoint): an operator has one address to collect
// from, and one place to disable. Call unregister at the end; after an error there
// is nothing to undo.
func Register(collectors ...prometheus.Collector) (unregister func(), err error) {
	var done []prometheus.Collector
	unregister = func() {
		for _, c := range done {
			observations.PromRegistry.Unregister(c)
		}
	}
	for _, c := range collectors {
		if err := observations.PromRegistry.Register(c); err != nil {
			unregister()
			return nil, fmt.Errorf("observations.metrics: %w", err)
		}
		done = append(done, c)
	}
	return unregister, nil
}

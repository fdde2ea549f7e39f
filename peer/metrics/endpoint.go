package metrics

import (
	"errors"
	"expvar"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"sync"
	"time"

	"contrib.go.opencensus.io/exporter/prometheus"
	"github.com/ipfs-cluster/ipfs-cluster/observations"
	logging "github.com/ipfs/go-log/v2"
	ocgorpc "github.com/lanzafame/go-libp2p-ocgorpc"
	manet "github.com/multiformats/go-multiaddr/net"
	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opencensus.io/plugin/ochttp"
	"go.opencensus.io/stats/view"
	"go.opencensus.io/zpages"

	"github.com/ipfs-cluster/pinsvc/common/listen"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// Serve serves what the library's observations.SetupMetrics serves, at the
// same paths. The library's own server takes connections without a bound or a
// timeout, answers web pages, and ends the process when it fails. Without
// observations.metrics.enable_stats it does nothing. Errors come without the name of
// the section.
func Serve(s *settings.Settings) (shutdown func(), err error) {
	cfg := s.Metrics
	if !cfg.EnableStats {
		return func() {}, nil
	}
	// The registry is the library's and belongs to the process: a second peer in the same
	// process, as in tests, finds both collectors registered.
	for _, c := range []prom.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := observations.PromRegistry.Register(c); err != nil && !errors.As(err, new(prom.AlreadyRegisteredError)) {
			return nil, err
		}
	}
	exporter, err := prometheus.NewExporter(prometheus.Options{Namespace: "ipfscluster", Registry: observations.PromRegistry})
	if err != nil {
		return nil, err
	}
	view.RegisterExporter(exporter)
	view.SetReportingPeriod(cfg.ReportingInterval)
	if err := view.Register(metricViews()...); err != nil {
		return nil, err
	}
	network, address, err := manet.DialArgs(cfg.PrometheusEndpoint)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", cfg.PrometheusEndpoint, listen.ExplainBind(err))
	}
	server := &http.Server{Handler: metricsRoutes(exporter), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	// The endpoint asks for no credentials, and its profiles show the process' memory: a
	// web page that a browser on this machine has open must not read it.
	s.Guard(server)
	var serving sync.WaitGroup
	// A failure of the endpoint is logged, and the peer goes on: pins are worth more than
	// their metrics.
	serving.Go(func() {
		if err := server.Serve(listen.Limit(l, listen.MaxConnections(0))); !errors.Is(err, http.ErrServerClosed) {
			logger.Errorf("observations.metrics: no longer serving at %s: %v", cfg.PrometheusEndpoint, err)
		}
	})
	return func() {
		view.UnregisterExporter(exporter)
		server.Close()
		serving.Wait()
	}, nil
}

var logger = logging.Logger("pinsvc")

// metricViews are the views that the library's own SetupMetrics registers, so that
// dashboards made for ipfs-cluster-service keep working.
func metricViews() []*view.View {
	return slices.Concat(observations.DefaultViews, []*view.View{
		ochttp.ClientCompletedCount, ochttp.ClientRoundtripLatencyDistribution,
		ochttp.ClientReceivedBytesDistribution, ochttp.ClientSentBytesDistribution,
		ochttp.ServerRequestCountView, ochttp.ServerRequestBytesView, ochttp.ServerResponseBytesView,
		ochttp.ServerLatencyView, ochttp.ServerRequestCountByMethod, ochttp.ServerResponseCountByStatusCode,
	}, ocgorpc.DefaultServerViews)
}

// metricsRoutes serves the metrics, OpenCensus' zpages, expvar and pprof. The mux is not
// http.DefaultServeMux, to which any imported package may add handlers.
func metricsRoutes(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	zpages.Handle(mux, "/debug")
	mux.Handle("/metrics", metrics)
	mux.Handle("/debug/vars", expvar.Handler())
	mux.HandleFunc("/debug/pprof/", pprof.Index) // the profiles by name, too
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

package common

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count what one handler does. They are collected by whoever asks
// (Handler.Collector) and cost next to nothing when nobody does.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	rejected *prometheus.CounterVec
}

// unrouted stands for the route of a request that reached none: unknown paths,
// wrong methods, missing credentials, preflights.
const unrouted = "none"

func newMetrics(api string) *metrics {
	labels := prometheus.Labels{"api": api}
	return &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pinsvc_http_requests_total", ConstLabels: labels,
			Help: "Requests that were answered, by route, method and status.",
		}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "pinsvc_http_request_duration_seconds", ConstLabels: labels,
			Help:    "Time from a request's headers to the end of its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route", "method"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pinsvc_http_rejected_credentials_total", ConstLabels: labels,
			Help: "Requests refused for their credentials, by scheme (none, basic, bearer, other) and status.",
		}, []string{"scheme", "status"}),
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	m.requests.Describe(to)
	m.duration.Describe(to)
	m.rejected.Describe(to)
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	m.requests.Collect(to)
	m.duration.Collect(to)
	m.rejected.Collect(to)
}

// answered counts a request at its end.
func (m *metrics) answered(rec *record, method string, status int) {
	route := rec.route
	if route == "" {
		route = unrouted
	}
	method = knownMethod(method)
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(route, method).Observe(time.Since(rec.start).Seconds())
}

// refused counts a request whose credentials were not good enough.
func (m *metrics) refused(r *http.Request, status int) {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch scheme = strings.ToLower(scheme); scheme {
	case "":
		scheme = "none"
	case "basic", "bearer":
	default:
		scheme = "other"
	}
	m.rejected.WithLabelValues(scheme, strconv.Itoa(status)).Inc()
}

// knownMethod keeps clients from making label values up.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// Collector returns the handler's metrics, to be registered with Prometheus:
// pinsvc_http_requests_total, pinsvc_http_request_duration_seconds and
// pinsvc_http_rejected_credentials_total, each with the API's name as "api".
func (h *Handler) Collector() prometheus.Collector { return h.metrics }

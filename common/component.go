package common

import (
	"context"
	"net/http"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

// Options are what any API component can be given by its peer. The zero value makes a
// component that stands alone and is ready at once.
type Options struct {
	// Ready is closed when the peer knows its pinset. Until then requests about
	// it are answered with 503. Nil: it always does.
	Ready Ready
	// Credentials are changed by somebody else while the component runs. Nil:
	// those of the configuration.
	Credentials *auth.Credentials
	// Throttle counts failed attempts for several APIs together. Nil: one of the
	// component's own.
	Throttle *auth.Throttle
	// Budget bounds the memory of the requests of several APIs together. Nil: one
	// of the component's own, of the configured size.
	Budget *Budget
	// BaseDir is the folder that relative file names of the configuration
	// (certificates, access log) belong to. Empty: the working directory.
	BaseDir string
	// Host serves the API over libp2p, too. Somebody else closes it. Nil: none,
	// unless the configuration has one.
	Host host.Host
	// Unready returns for GET /ready why the peer should not be sent requests now,
	// one short text for each reason; nothing when it should. It keeps to its
	// context.
	Unready func(context.Context) []string
	// Warnings returns for GET /ready what an operator should know, whether the
	// peer is ready or not. It keeps to its context.
	Warnings func(context.Context) []string
}

// Complete returns the options with what is missing, for a configuration.
func (o Options) Complete(cfg Config) Options {
	if o.Ready == nil {
		always := make(chan struct{})
		close(always)
		o.Ready = always
	}
	if o.Credentials == nil {
		o.Credentials = auth.NewCredentials(cfg.BasicAuthCredentials)
	}
	if o.Budget == nil {
		o.Budget = NewBudget(cfg.MaxInflightBytes)
	}
	return o
}

// Ready is closed when a peer is ready.
type Ready <-chan struct{}

// Handle makes a handler that answers 503 until the peer is ready. Before, its state
// may lack pins, and a 404 would make clients give up.
func (r Ready) Handle(handle func(*http.Request) (any, error)) func(*http.Request) (any, error) {
	return func(req *http.Request) (any, error) {
		if err := r.check(); err != nil {
			return nil, err
		}
		return handle(req)
	}
}

// Stream is Handle for streams.
func (r Ready) Stream(stream Stream) Stream {
	return func(w http.ResponseWriter, req *http.Request) error {
		if err := r.check(); err != nil {
			return err
		}
		return stream(w, req)
	}
}

func (r Ready) check() error {
	select {
	case <-r:
		return nil
	default:
		return &Failure{
			Status:  http.StatusServiceUnavailable,
			Reason:  ReasonUnavailable,
			Details: "the peer is starting",
			Header:  http.Header{"Retry-After": {retryAfter}},
		}
	}
}

// Component is an API as a component of a peer, apart from what it serves.
type Component struct {
	handler *Handler
	server  *Server
}

// NewComponent puts listeners, authentication and limits around the routes of an API.
// It does no I/O. The options have to be complete.
func NewComponent(cfg Config, api API, o Options) (*Component, error) {
	api.Budget, api.Unready, api.Warnings = o.Budget, o.Unready, o.Warnings
	handler, err := NewHandler(cfg, o.Credentials, api, WithThrottle(o.Throttle))
	if err != nil {
		return nil, err
	}
	var options []ServerOption
	if o.Host != nil {
		options = append(options, WithHost(o.Host))
	}
	server, err := NewServer(cfg, o.BaseDir, handler, options...)
	if err != nil {
		return nil, err
	}
	return &Component{handler, server}, nil
}

// ServeHTTP answers a request as the listeners do.
func (c *Component) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// Listen binds every configured address and starts to answer. The error names the
// address that could not be bound; then none is.
func (c *Component) Listen() error { return c.server.Listen() }

// Addresses returns the bound addresses, with the ports that were chosen.
func (c *Component) Addresses() []multiaddr.Multiaddr { return c.server.Addresses() }

// URLs returns the addresses as clients write them.
func (c *Component) URLs() []string { return c.server.URLs() }

// Shutdown stops accepting requests and waits for those under way, until the context
// ends. It may be called at any time, more than once.
func (c *Component) Shutdown(ctx context.Context) error { return c.server.Shutdown(ctx) }

// Collector returns the API's metrics for Prometheus: see Handler.Collector.
func (c *Component) Collector() prometheus.Collector { return c.handler.Collector() }

package pinsvcapi

import (
	"context"
	"net/http"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// API is the Pinning Service API component of a peer. It satisfies the
// library's ipfscluster.API.
type API struct {
	config  Config
	calls   calls
	service *service
	ready   <-chan struct{}
	server  *common.Server
	handler *common.Handler
}

// Option changes what New makes.
type Option func(*options)

type options struct {
	ready       <-chan struct{}
	credentials *common.Credentials
	guard       *common.Guard
	cluster     pinset.Cluster
	local       LocalPeer
	view        func(pinset.Source) pinset.Cluster
	settled     bool
	budget      *common.Budget
	baseDir     string
	host        host.Host
	unready     func(context.Context) []string
	warnings    func(context.Context) []string
	memory      *Memory
}

// WithReady makes the API answer 503 until the channel is closed. Without it,
// it answers as soon as it has its peer.
func WithReady(ready <-chan struct{}) Option {
	return func(o *options) { o.ready = ready }
}

// WithCredentials makes the API use credentials that somebody else changes
// while it runs, in place of the configured ones.
func WithCredentials(c *common.Credentials) Option {
	return func(o *options) { o.credentials = c }
}

// WithGuard makes the API count failed attempts together with the other APIs
// that have the same guard.
func WithGuard(g *common.Guard) Option {
	return func(o *options) { o.guard = g }
}

// WithCluster makes the API use another Cluster than the RPC of its peer.
func WithCluster(c pinset.Cluster) Option {
	return func(o *options) { o.cluster = c }
}

// WithView puts a view of the pinset before the RPC of the API's peer. Without
// one, every list scans the pinset.
func WithView(before func(pinset.Source) pinset.Cluster) Option {
	return func(o *options) { o.view = before }
}

// WithSettledWrites says that the peer's RPC returns from a write when the local
// state has it and the view has observed it, so that the API need not poll the
// state for it. It needs WithView, which knows the `created` that the peer has set.
func WithSettledWrites() Option {
	return func(o *options) { o.settled = true }
}

// WithBudget makes the API share the bound on the memory of requests with other
// APIs of the process, in place of one of its own that is as large as the
// configuration says.
func WithBudget(b *common.Budget) Option {
	return func(o *options) { o.budget = b }
}

// WithBaseDir sets the folder that relative file names of the configuration
// (certificates, access log) belong to.
func WithBaseDir(dir string) Option {
	return func(o *options) { o.baseDir = dir }
}

// WithHost also serves the API on a libp2p host that somebody else owns.
func WithHost(h host.Host) Option {
	return func(o *options) { o.host = h }
}

// WithUnready adds to GET /ready why the peer should not be sent requests now,
// one short text for each reason; nothing when it should. The function keeps to
// its context.
func WithUnready(reasons func(context.Context) []string) Option {
	return func(o *options) { o.unready = reasons }
}

// WithWarnings adds to GET /ready what an operator should know, whether the peer
// is ready or not. The function keeps to its context.
func WithWarnings(warnings func(context.Context) []string) Option {
	return func(o *options) { o.warnings = warnings }
}

// New returns the component. It does no I/O: call Listen to bind its
// addresses, and hand it to ipfscluster.NewCluster. The error joins every
// mistake of the configuration.
func New(cfg Config, opts ...Option) (*API, error) {
	always := make(chan struct{})
	close(always)
	o := options{ready: always}
	for _, opt := range opts {
		opt(&o)
	}
	if o.memory == nil {
		o.memory = NewMemory()
	}
	if o.budget == nil {
		o.budget = common.NewBudget(cfg.MaxInflightBytes)
	}
	a := &API{config: cfg, ready: o.ready}
	a.service = &service{cluster: o.cluster, choices: newChoices(), budget: o.budget, now: time.Now}
	a.calls.local = o.local
	if o.cluster == nil {
		rpc := &rpcCluster{
			calls: &a.calls, clock: pinset.NewClock(), ids: newAddressBook(&a.calls), answers: o.memory.answers,
			settled: o.settled,
		}
		a.service.cluster = rpc
		if o.view != nil {
			a.service.cluster = o.view(rpc)
		}
	}
	for _, d := range cfg.Delegates {
		a.service.delegates = append(a.service.delegates, d.String())
	}
	if err := a.assemble(o); err != nil {
		return nil, err
	}
	// Whoever prints the component prints no secrets.
	a.config.BasicAuthCredentials, a.config.PrivateKey = nil, ""
	return a, nil
}

// assemble puts the shared layer around the routes.
func (a *API) assemble(o options) (err error) {
	if o.credentials == nil {
		o.credentials = common.NewCredentials(a.config.BasicAuthCredentials)
	}
	a.handler, err = common.NewHandler(a.config.Config, o.credentials, common.API{
		Name:     configKey,
		Routes:   a.routes(),
		Failure:  failure,
		Body:     failureBody,
		Budget:   o.budget,
		Unready:  o.unready,
		Warnings: o.warnings,
	}, common.WithGuard(o.guard))
	if err != nil {
		return err
	}
	var server []common.ServerOption
	if o.host != nil {
		server = append(server, common.WithHost(o.host))
	}
	a.server, err = common.NewServer(a.config.Config, o.baseDir, a.handler, server...)
	return err
}

// ServeHTTP answers a request as the listeners do.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.handler.ServeHTTP(w, r)
}

// Listen binds every configured address and starts to answer. The error names
// the address that could not be bound; then none is.
func (a *API) Listen() error {
	return a.server.Listen()
}

// Addresses returns the bound addresses, with the ports that were chosen.
func (a *API) Addresses() []multiaddr.Multiaddr {
	return a.server.Addresses()
}

// URLs returns the addresses as clients write them.
func (a *API) URLs() []string {
	return a.server.URLs()
}

// Shutdown stops to accept requests and waits for those under way, until the
// context ends. It may be called at any time, more than once.
func (a *API) Shutdown(ctx context.Context) error {
	return a.server.Shutdown(ctx)
}

// Collector returns the API's metrics, to be registered with Prometheus: see
// common.Handler.Collector.
func (a *API) Collector() prometheus.Collector { return a.handler.Collector() }

package restapi

import (
	"context"
	"net/http"

	logging "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ipfs-cluster/pinsvc/common"
)

var logger = logging.Logger("restapi")

// API is the REST API component of a peer. It satisfies the library's
// ipfscluster.API.
type API struct {
	client   clientHolder
	cluster  Cluster
	budget   *common.Budget
	ready    <-chan struct{}
	blocks   Blocks   // nil without an IPFS node inside
	statuses Statuses // nil: a peer that does not answer is a cluster_error at once
	server   *common.Server
	handler  *common.Handler
}

// Option changes what New makes.
type Option func(*options)

type options struct {
	ready       <-chan struct{}
	credentials *common.Credentials
	guard       *common.Guard
	cluster     Cluster
	budget      *common.Budget
	blocks      Blocks
	statuses    Statuses
	baseDir     string
	host        host.Host
	unready     func(context.Context) []string
	warnings    func(context.Context) []string
	adds        ShardedAdds
	room        func() error
}

// WithReady makes everything that is about the pinset answer 503 until the
// channel is closed. Without it, the API answers as soon as it has its peer.
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
func WithCluster(c Cluster) Option {
	return func(o *options) { o.cluster = c }
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

// WithShardedAdds has sharded adds told to who keeps their parts together.
func WithShardedAdds(adds ShardedAdds) Option {
	return func(o *options) { o.adds = adds }
}

// WithRoom makes uploads fail early that cannot be pinned: the function says why
// there is no space on the disk for a pin.
func WithRoom(room func() error) Option {
	return func(o *options) { o.room = room }
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
	if o.budget == nil {
		o.budget = common.NewBudget(cfg.MaxInflightBytes)
	}
	a := &API{cluster: o.cluster, budget: o.budget, ready: o.ready, blocks: o.blocks, statuses: o.statuses}
	if a.cluster == nil {
		a.cluster = &rpcCluster{client: &a.client, adds: o.adds, room: o.room}
	}
	if o.credentials == nil {
		o.credentials = common.NewCredentials(cfg.BasicAuthCredentials)
	}
	var err error
	a.handler, err = common.NewHandler(cfg.Config, o.credentials, common.API{
		Name:     configKey,
		Routes:   a.routes(),
		Failure:  failure,
		Body:     failureBody,
		Budget:   o.budget,
		Unready:  o.unready,
		Warnings: o.warnings,
	}, common.WithGuard(o.guard))
	if err != nil {
		return nil, err
	}
	var server []common.ServerOption
	if o.host != nil {
		server = append(server, common.WithHost(o.host))
	}
	a.server, err = common.NewServer(cfg.Config, o.baseDir, a.handler, server...)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// ServeHTTP answers a request as the listeners do.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.handler.ServeHTTP(w, r)
}

// Listen binds every configured address and starts to answer. The error names
// the address that could not be bound; then none is.
func (a *API) Listen() error { return a.server.Listen() }

// Addresses returns the bound addresses, with the ports that were chosen.
func (a *API) Addresses() []multiaddr.Multiaddr { return a.server.Addresses() }

// URLs returns the addresses as clients write them.
func (a *API) URLs() []string { return a.server.URLs() }

// Shutdown stops to accept requests and waits for those under way, until the
// context ends. It may be called at any time, more than once.
func (a *API) Shutdown(ctx context.Context) error { return a.server.Shutdown(ctx) }

// Collector returns the API's metrics, to be registered with Prometheus: see
// common.Handler.Collector.
func (a *API) Collector() prometheus.Collector { return a.handler.Collector() }

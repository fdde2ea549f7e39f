package restapi

import (
	logging "github.com/ipfs/go-log/v2"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/internal/clusterrpc"
)

var logger = logging.Logger("restapi")

// API is the REST API component of a peer. It satisfies the library's
// ipfscluster.API.
type API struct {
	*common.Component
	client   clusterrpc.Client
	cluster  Cluster
	budget   *common.Budget
	ready    common.Ready
	blocks   Blocks   // nil without an IPFS node inside
	statuses Statuses // nil: a peer that does not answer is a cluster_error at once
}

// Option changes what New makes.
type Option func(*options)

type options struct {
	common.Options
	cluster  Cluster
	blocks   Blocks
	statuses Statuses
	adds     ShardedAdds
	room     func() error
}

// WithOptions gives the API what every API of a peer can be given. It replaces those of
// an earlier WithOptions.
func WithOptions(o common.Options) Option {
	return func(all *options) { all.Options = o }
}

// WithCluster makes the API use another Cluster than the RPC of its peer.
func WithCluster(c Cluster) Option {
	return func(o *options) { o.cluster = c }
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
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	o.Options = o.Complete(cfg.Config)
	a := &API{cluster: o.cluster, budget: o.Budget, ready: o.Ready, blocks: o.blocks, statuses: o.statuses}
	if a.cluster == nil {
		a.cluster = &rpcCluster{client: &a.client, adds: o.adds, room: o.room}
	}
	var err error
	a.Component, err = common.NewComponent(cfg.Config, common.API{
		Name:    configKey,
		Routes:  a.routes(),
		Failure: failure,
		Body:    failureBody,
	}, o.Options)
	if err != nil {
		return nil, err
	}
	return a, nil
}

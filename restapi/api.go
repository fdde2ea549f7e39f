package restapi

import (
	logging "github.com/ipfs/go-log/v2"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/internal/clusterrpc"
)

// logger has the name of the API, as the loggers of its requests do.
var logger = logging.Logger("restapi")

// API is the cluster REST API as a component of a peer. It implements the library's
// ipfscluster.API. Its exported methods may be called concurrently.
type API struct {
	*common.Component
	client  clusterrpc.Client
	cluster Cluster
	budget  *common.Budget
	ready   common.Ready
	// blocks is nil without an embedded IPFS node.
	blocks Blocks
	// statuses is nil when a peer that does not answer is a cluster_error at once.
	statuses Statuses
}

// Option configures New.
type Option func(*options)

// options are those of all Options together. Nil fields have defaults, see New.
type options struct {
	common.Options
	cluster  Cluster
	blocks   Blocks
	statuses Statuses
	adds     ShardedAdds
	room     func() error
}

// WithOptions sets the options that all APIs of a peer have. It replaces those of an
// earlier WithOptions.
func WithOptions(o common.Options) Option {
	return func(all *options) { all.Options = o }
}

// WithCluster replaces the Cluster that calls the peer by RPC. WithShardedAdds and WithRoom have no effect then.
func WithCluster(c Cluster) Option {
	return func(o *options) { o.cluster = c }
}

// WithShardedAdds reports sharded adds to adds, which removes the parts of those that fail.
func WithShardedAdds(adds ShardedAdds) Option {
	return func(o *options) { o.adds = adds }
}

// WithRoom makes uploads fail early that cannot be pinned: room returns an error while
// the disk has no space for a pin.
func WithRoom(room func() error) Option {
	return func(o *options) { o.room = room }
}

// New returns the component. It does no I/O: call Listen to bind the addresses, and
// pass it to ipfscluster.NewCluster. The error joins all errors of the configuration.
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

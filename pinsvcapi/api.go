package pinsvcapi

import (
	"time"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// API is the Pinning Service API component of a peer. It satisfies the
// library's ipfscluster.API.
type API struct {
	*common.Component
	config  Config
	calls   calls
	service *service
	ready   common.Ready
}

// Option changes what New makes.
type Option func(*options)

type options struct {
	common.Options
	cluster pinset.Cluster
	local   LocalPeer
	view    func(pinset.Source) pinset.Cluster
	settled bool
	memory  *Memory
}

// WithOptions gives the API what every API of a peer can be given. It replaces those of
// an earlier WithOptions.
func WithOptions(o common.Options) Option {
	return func(all *options) { all.Options = o }
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

// New returns the component. It does no I/O: call Listen to bind its
// addresses, and hand it to ipfscluster.NewCluster. The error joins every
// mistake of the configuration.
func New(cfg Config, opts ...Option) (*API, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	o.Options = o.Complete(cfg.Config)
	a := &API{config: cfg, ready: o.Ready}
	a.calls.local = o.local
	a.service = &service{cluster: a.clusterOf(o), choices: newChoices(), budget: o.Budget, now: time.Now}
	for _, d := range cfg.Delegates {
		a.service.delegates = append(a.service.delegates, d.String())
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
	// A component that is printed shows no secrets.
	a.config.BasicAuthCredentials, a.config.PrivateKey = nil, ""
	return a, nil
}

// clusterOf returns the Cluster that the options ask for.
func (a *API) clusterOf(o options) pinset.Cluster {
	if o.cluster != nil {
		return o.cluster
	}
	if o.memory == nil {
		o.memory = NewMemory()
	}
	rpc := &rpcCluster{
		calls: &a.calls, clock: pinset.NewClock(), ids: newAddressBook(&a.calls), reports: o.memory.reports,
		settled: o.settled,
	}
	if o.view != nil {
		return o.view(rpc)
	}
	return rpc
}

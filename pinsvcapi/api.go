package pinsvcapi

import (
	"time"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// API is the Pinning Service API as a component of a peer. It implements the library's
// ipfscluster.API. Its exported methods may be called concurrently.
type API struct {
	*common.Component
	// config has no secrets.
	config  Config
	calls   calls
	service *service
	ready   common.Ready
}

// Option configures New.
type Option func(*options)

// options are those of all Options together. Nil fields have defaults, see New.
type options struct {
	common.Options
	cluster pinset.Cluster
	local   LocalPeer
	view    func(pinset.Source) pinset.Cluster
	settled bool
	memory  *Memory
}

// WithOptions sets the options that all APIs of a peer have. It replaces those of an
// earlier WithOptions.
func WithOptions(o common.Options) Option {
	return func(all *options) { all.Options = o }
}

// WithCluster replaces the Cluster that calls the peer by RPC. WithView, WithSettledWrites, WithLocalPeer and WithMemory have no effect then.
func WithCluster(c pinset.Cluster) Option {
	return func(o *options) { o.cluster = c }
}

// WithView puts a view of the pinset in front of the Cluster that calls the peer by
// RPC. Without it, every list scans the pinset, which takes about 5 us a pin.
func WithView(before func(pinset.Source) pinset.Cluster) Option {
	return func(o *options) { o.view = before }
}

// WithSettledWrites declares that a write by RPC returns when the local state has it
// and the view has observed it. The API then does not poll the state. It needs
// WithView, which knows the `created` that the peer has set.
func WithSettledWrites() Option {
	return func(o *options) { o.settled = true }
}

// New returns the component. It does no I/O: call Listen to bind the addresses, and
// pass it to ipfscluster.NewCluster. The error joins all errors of the configuration.
func New(cfg Config, opts ...Option) (*API, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	o.Options = o.Complete(cfg.Config)
	a := &API{config: cfg, ready: o.Ready}
	a.calls.local = o.local
	a.service = &service{cluster: a.clusterOf(o), cache: newDelegateCache(), budget: o.Budget, now: time.Now}
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

// clusterOf returns the Cluster that the options select.
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

package network

import (
	"context"
	"time"

	"github.com/ipfs/boxo/provider"
	"github.com/ipfs/go-cid"
	ds "github.com/ipfs/go-datastore"
	dualdht "github.com/libp2p/go-libp2p-kad-dht/dual"
)

const (
	// provideWorkers is how many DHT lookups for providing run at once.
	provideWorkers = 16
	// networkCheck is how often a provider without network looks for it.
	networkCheck = 5 * time.Second
)

// Provider announces pinned content to the DHT: new CIDs from a durable queue, and all
// of them again at an interval, since DHT records expire.
type Provider struct {
	system provider.System
	ctx    context.Context
}

// ProviderOptions are all needed.
type ProviderOptions struct {
	Interval time.Duration        // between two announcements of all keys
	Queue    ds.Batching          // keeps new CIDs until they are announced
	Keys     provider.KeyChanFunc // lists what is announced again
}

// NewProvider starts a provider. It announces new CIDs from the queue, and all keys after
// every interval. Without a router, nil, it does nothing.
func NewProvider(ctx context.Context, router *ProvideRouter, o ProviderOptions) (*Provider, error) {
	if router == nil {
		return &Provider{system: provider.NewNoopProvider(), ctx: ctx}, nil
	}
	system, err := provider.New(o.Queue,
		provider.DatastorePrefix(ds.NewKey("/embedded/provide")),
		provider.Online(router),
		provider.ReproviderInterval(o.Interval),
		provider.ProvideWorkerCount(provideWorkers),
		provider.KeyProvider(o.Keys),
	)
	if err != nil {
		return nil, err
	}
	return &Provider{system: system, ctx: ctx}, nil
}

// Provide queues c.
func (p *Provider) Provide(c cid.Cid) {
	if err := p.system.Provide(p.ctx, c, true); err != nil {
		logger.Debugf("providing %s: %s", c, err)
	}
}

// Close stops providing. The queue is resumed at the next start.
func (p *Provider) Close() error { return p.system.Close() }

// ProvideRouter adapts the DHT to the provider: without any network, which is a normal
// state, it waits instead of failing for every block.
type ProvideRouter struct {
	DHT   provider.Provide
	Peers func() int    // in the routing table
	Check time.Duration // how often a router without peers looks for them
}

// NewProvideRouter returns a router to a DHT.
func NewProvideRouter(dht *dualdht.DHT) *ProvideRouter {
	return &ProvideRouter{
		DHT:   dht,
		Peers: func() int { return dht.WAN.RoutingTable().Size() + dht.LAN.RoutingTable().Size() },
		Check: networkCheck,
	}
}

// Ready is false while the routing tables are empty.
func (r *ProvideRouter) Ready() bool { return r.Peers() > 0 }

// Provide stores a provider record for c. Its errors are only logged: a CID
// that could not be provided is tried again at the next reprovide.
func (r *ProvideRouter) Provide(ctx context.Context, c cid.Cid, announce bool) error {
	tick := time.NewTicker(r.Check)
	defer tick.Stop()
	for !r.Ready() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
	if err := r.DHT.Provide(ctx, c, announce); err != nil {
		logger.Debugf("providing %s: %s", c, err)
	}
	return nil
}

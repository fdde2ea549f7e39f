package embedded

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

// announcer provides pinned content to the DHT, from a durable queue, and again
// from time to time.
type announcer struct {
	system provider.System
	ctx    context.Context
}

// newAnnouncer starts it. Without a router, which is nil, it does nothing. keys
// lists what is to be provided again after every interval.
func newAnnouncer(ctx context.Context, router *announceRouter, interval time.Duration, queue ds.Batching, keys provider.KeyChanFunc) (*announcer, error) {
	if router == nil {
		return &announcer{system: provider.NewNoopProvider(), ctx: ctx}, nil
	}
	system, err := provider.New(queue,
		provider.DatastorePrefix(ds.NewKey("/embedded/provide")),
		provider.Online(router),
		provider.ReproviderInterval(interval),
		provider.ProvideWorkerCount(provideWorkers),
		provider.KeyProvider(keys),
	)
	if err != nil {
		return nil, err
	}
	return &announcer{system: system, ctx: ctx}, nil
}

// provide queues c.
func (a *announcer) provide(c cid.Cid) {
	if err := a.system.Provide(a.ctx, c, true); err != nil {
		logger.Debugf("providing %s: %s", c, err)
	}
}

// Close stops providing. What is queued goes on at the next start.
func (a *announcer) Close() error { return a.system.Close() }

// announceRouter is the DHT as the provider sees it: without any network, which
// is a normal state, it waits instead of failing for every block.
type announceRouter struct {
	dht   provider.Provide
	peers func() int // in the routing table
	check time.Duration
}

func newAnnounceRouter(dht *dualdht.DHT) *announceRouter {
	return &announceRouter{
		dht:   dht,
		peers: func() int { return dht.WAN.RoutingTable().Size() + dht.LAN.RoutingTable().Size() },
		check: networkCheck,
	}
}

// Ready is false while there is nobody to provide to.
func (r *announceRouter) Ready() bool { return r.peers() > 0 }

// Provide stores a provider record for c. Its errors are only logged: whatever
// could not be provided is tried again at the next reprovide.
func (r *announceRouter) Provide(ctx context.Context, c cid.Cid, announce bool) error {
	tick := time.NewTicker(r.check)
	defer tick.Stop()
	for !r.Ready() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
	if err := r.dht.Provide(ctx, c, announce); err != nil {
		logger.Debugf("providing %s: %s", c, err)
	}
	return nil
}

// provided streams what is to be provided again.
func (n *Node) provided(ctx context.Context) (<-chan cid.Cid, error) {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return nil, err
	}
	out := make(chan cid.Cid)
	go func() {
		defer leave()
		defer close(out)
		w := &localWalk{
			store:  n.store,
			seen:   newVisited(n.guard.hasher),
			visit:  func(c cid.Cid) error { return send(ctx, out, c) },
			unread: func(cid.Cid, error) error { return nil },
		}
		err := n.pins.each(ctx, func(c cid.Cid, depth int) error {
			if n.cfg.Provide == provideRoots {
				depth = direct
			}
			return w.walk(ctx, c, depth)
		})
		if err != nil && ctx.Err() == nil {
			logger.Warnf("listing what to provide: %s", err)
		}
	}()
	return out, nil
}

func send(ctx context.Context, out chan<- cid.Cid, c cid.Cid) error {
	select {
	case out <- c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

package peer

import (
	"context"
	"fmt"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/monitor/pubsubmon"
	"github.com/ipfs-cluster/ipfs-cluster/pintracker/stateless"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/consensus/crdt"
	"github.com/ipfs-cluster/pinsvc/ipfsconn"
	"github.com/ipfs-cluster/pinsvc/pinset"
	"github.com/ipfs-cluster/pinsvc/tracker"
)

// makeComponents makes what writes, pins and watches, each wrapped, in the order in which
// they need each other.
func (b *builder) makeComponents(ctx context.Context) error {
	if err := b.makeConsensus(b.kind == "raft"); err != nil {
		return err
	}
	inner := b.options.Connector
	if inner == nil {
		var err error
		if inner, err = b.openConnector(ctx); err != nil {
			return err
		}
	}
	b.makeTracker(b.makeConnector(inner), progress(inner))
	if err := b.registerMetrics(); err != nil {
		return err
	}
	return b.makeMonitor(ctx)
}

// makeConnector wraps the way to the IPFS node. Metrics count every attempt to pin.
func (b *builder) makeConnector(inner ipfscluster.IPFSConnector) *ipfsconn.Connector {
	connector := ipfsconn.New(inner)
	connector.ObservePins(b.meter.Attempted)
	b.connector = connector
	b.closeWith("connector", b.connector.Shutdown)
	return connector
}

// makeTracker makes what has the IPFS node pin what the state says. Attempts to pin pass
// the tracker's places, blocks that are lost are pinned again.
func (b *builder) makeTracker(connector *ipfsconn.Connector, progress func(cid.Cid) (blocks, bytes uint64, ok bool)) {
	s, id := b.settings, b.net.host.ID()
	places := b.places(connector.Away)
	inner := stateless.New(innerTracker(s.Tracker, places), id, s.Cluster.Peername, b.consensus.State)
	t := tracker.New(inner, tracker.Options{
		Peer:     id,
		Peername: s.Cluster.Peername,
		State:    b.consensus.State,
		Entries:  crdt.Entries(b.store, s.Crdt.DatastoreNamespace),
		IPFS:     connector,
		Verified: connector.Verified,
		Shards:   b.shards,
		Places:   places,
		Progress: progress,
		Checker:  b.checker(),
		Origins:  b.addOrigins(),
	})
	if b.node != nil {
		b.node.ObserveDamage(func(c cid.Cid) bool { return t.Repair(api.NewCid(c)) })
	}
	connector.Within(t.Within)
	b.subscribe(t)
	b.tracker, b.local.tracker = t, t
	b.closeWith("tracker", b.tracker.Shutdown)
}

// makeMonitor makes what exchanges metrics with other peers. A CRDT peer knows no members
// but those that the monitor has heard of.
func (b *builder) makeMonitor(ctx context.Context) (err error) {
	var members pubsubmon.PeersFunc
	if b.kind == "raft" {
		members = b.consensus.Peers
	}
	b.monitor, err = pubsubmon.New(ctx, b.settings.Monitor, b.net.pubsub, members)
	if err != nil {
		return fmt.Errorf("monitor.pubsubmon: %w", err)
	}
	b.closeWith("monitor", b.monitor.Shutdown)
	return nil
}

// subscribe has every change of the state observed. The tracker comes first, so that a
// status that is read because of a change is the one after it, and the writes that wait for
// the change come last.
func (b *builder) subscribe(tracker *tracker.Tracker) {
	subscribers := []func(pinset.Change){tracker.Observe, b.shards.Observe}
	if b.view != nil {
		subscribers = append(subscribers, b.view.Observe)
	}
	b.feed.Subscribe(append(subscribers, b.consensus.Observe)...)
}

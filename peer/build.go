package peer

import (
	"context"
	"fmt"
	"sync"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	libconfig "github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/ipfs-cluster/ipfs-cluster/observations"
	"github.com/ipfs/go-datastore"
	"go.opencensus.io/tag"

	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/common/listen"
	"github.com/ipfs-cluster/pinsvc/consensus"
	"github.com/ipfs-cluster/pinsvc/consensus/crdt"
	"github.com/ipfs-cluster/pinsvc/embedded/disk"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/metrics"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
	"github.com/ipfs-cluster/pinsvc/tracker"
)

// descriptorShare is the part of the limit of open files that the cluster's
// libp2p host may take for connections; by default the library lets it take half
// of them.
const descriptorShare = 8

// builder holds what is needed only while a peer is built.
type builder struct {
	*Peer
	options   Options
	identity  *libconfig.Identity
	stored    *folder.Store // the peer's folder
	store     datastore.Datastore
	tracer    ipfscluster.Tracer
	feed      consensus.Feed
	consensus *consensus.Consensus
	tracker   ipfscluster.PinTracker
	monitor   ipfscluster.PeerMonitor
	gate      *gate
}

// build runs the steps of a start. Each leaves behind how it is undone.
func (b *builder) build(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		b.openFolder, func(context.Context) error { return b.settings.CheckPorts() }, b.openDoors, b.openNetwork, b.makeComponents, b.makeCluster,
	} {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := step(ctx); err != nil {
			return err
		}
	}
	b.remember(ctx)
	b.runInBackground(ctx, b.watch, b.join, b.mesh)
	return nil
}

// runInBackground runs functions that end with their context. Shutdown ends them and
// waits for them before it stops anything that they use.
func (b *builder) runInBackground(ctx context.Context, functions ...func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, f := range functions {
		running.Go(func() { f(ctx) })
	}
	b.closeWith("background tasks", func(context.Context) error {
		cancel()
		running.Wait()
		return nil
	})
}

// closeWith remembers how to undo a step.
func (b *builder) closeWith(name string, f func(context.Context) error) {
	b.closers = append(b.closers, closer{name, f})
}

// openFolder takes the folder and reads what is in it.
func (b *builder) openFolder(ctx context.Context) error {
	o := b.options
	if err := settings.Require(o.Folder); err != nil {
		return err
	}
	l, err := folder.Lock(o.Folder)
	if err != nil {
		return err
	}
	b.closeWith("lock", func(context.Context) error { return l.Close() })
	if err := folder.WritePID(o.Folder); err != nil {
		return err
	}
	b.closeWith("number of this process", func(context.Context) error { return folder.RemovePID(o.Folder) })
	if b.settings, err = settings.Load(o.Folder, o.AllowUnknownKeys); err != nil {
		return err
	}
	b.closeWith("configuration", func(context.Context) error { b.settings.Close(); return nil })
	if b.identity, err = folder.LoadIdentity(o.Folder); err != nil {
		return err
	}
	if b.kind, err = b.settings.Consensus(); err != nil {
		return err
	}
	if b.options.Connector == nil {
		if _, err := b.settings.IPFS(); err != nil {
			return err
		}
	}
	b.stored = folder.NewStore(b.settings)
	if err := b.stored.Settle(ctx); err != nil {
		return err
	}
	b.throttle = auth.NewThrottle()
	b.credentials = make(map[string]*auth.Credentials)
	for section, users := range b.settings.ConfiguredUsers() {
		b.credentials[section] = auth.NewCredentials(users)
	}
	o.apply(b.settings)
	b.settings.SpreadTracing(b.identity.ID)
	b.tell()
	return nil
}

// tell passes on what the operator should know.
func (b *builder) tell() {
	for _, n := range b.settings.Notices() {
		if w := b.options.Notices; w != nil {
			fmt.Fprintln(w, n)
		} else {
			logger.Warn(n)
		}
	}
	if shown, err := b.settings.Display(); err == nil {
		logger.Debugf("configuration:\n%s", shown)
	}
}

// openNetwork opens the datastore and the libp2p host, and the REST API's way
// over it.
func (b *builder) openNetwork(ctx context.Context) (err error) {
	if err := b.prepareBootstrap(ctx); err != nil {
		return err
	}
	stopMetrics, err := metrics.Serve(b.settings)
	if err != nil {
		return fmt.Errorf("observations.metrics: %w", err)
	}
	b.closeWith("metrics endpoint", func(context.Context) error { stopMetrics(); return nil })
	if b.tracer, err = metrics.StartTracing(b.settings); err != nil {
		return err
	}
	if b.disk, err = b.stored.WatchDisk(b.kind); err != nil {
		return err
	}
	if b.store, err = disk.Open(b.disk, b.stored.Open); err != nil {
		return folder.ExplainOpen(err)
	}
	b.closeWith("datastore", func(context.Context) error { return b.store.Close() })
	b.closeWith("context", func(context.Context) error { b.cancel(); return nil })
	if mgr := &b.settings.Cluster.ResourceMgr; mgr.FileDescriptorsLimit == 0 {
		mgr.FileDescriptorsLimit = listen.OpenFiles() / descriptorShare
	}
	if b.net, err = connect(ctx, b.identity, b.settings.Cluster, b.store); err != nil {
		return err
	}
	b.closeWith("host", func(context.Context) error { return b.net.host.Close() })
	b.closeWith("DHT", func(context.Context) error { return b.net.dht.Close() })
	if b.kind == "raft" {
		return b.openRestapi(b.net.host)
	}
	return nil
}

// makeConsensus makes what every write passes.
func (b *builder) makeConsensus(raft bool) error {
	parts := b.newShards()
	inner, err := b.newConsensus(b.store, raft && len(b.options.Bootstrap) > 0)
	if err != nil {
		return err
	}
	var o consensus.Options
	if !raft {
		g, ok := inner.(*crdt.Grouped)
		o = consensus.Options{Store: b.store, Synced: ok && g.Enabled()}
	}
	o.Room, o.PinRoom, o.Shards = b.disk.Room, b.pinRoom, parts
	if b.options.inner != nil {
		inner = b.options.inner(inner)
	}
	b.consensus = consensus.New(inner, o)
	b.local.id, b.local.consensus = b.net.host.ID(), b.consensus
	b.closeWith("consensus", b.consensus.Shutdown)
	b.closeWith("shards", func(context.Context) error { b.shards.Close(); return nil })
	return nil
}

// makeCluster puts everything together, which starts it.
func (b *builder) makeCluster(ctx context.Context) error {
	informers, err := newInformers(b.settings)
	if err != nil {
		return err
	}
	allocator, err := newAllocator(b.settings)
	if err != nil {
		return err
	}
	ctx, err = tag.New(ctx, tag.Upsert(observations.HostKey, b.identity.ID.String()))
	if err != nil {
		return err
	}
	var apis []ipfscluster.API
	for _, d := range b.doors {
		apis = append(apis, d.api)
	}
	b.cluster, err = ipfscluster.NewCluster(tracker.Automatic(ctx), b.net.host, b.net.bandwidth, b.net.dht,
		b.settings.Cluster, b.store, gatedConsensus{consensus.Known{Consensus: b.consensus}, b.gate}, apis, b.connector, b.tracker,
		gatedMonitor{b.monitor, b.gate}, allocator, informers, b.tracer)
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	b.closeWith("cluster", func(ctx context.Context) error {
		b.gate.close()
		return b.cluster.Shutdown(ctx)
	})
	b.shards.Start(b.ready)
	if b.view != nil {
		b.view.Through(crdt.Entries(b.store, b.settings.Crdt.DatastoreNamespace)) // Raft's is not pebble
		b.view.Start(b.ready)
		b.closeWith("view", func(context.Context) error { b.view.Close(); return nil })
	}
	return nil
}

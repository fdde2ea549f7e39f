package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	ipfslite "github.com/hsanjuan/ipfs-lite"
	"github.com/ipfs/boxo/bitswap"
	bsclient "github.com/ipfs/boxo/bitswap/client"
	"github.com/ipfs/boxo/bitswap/network/bsnet"
	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/bootstrap"
	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/namespace"
	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	dualdht "github.com/libp2p/go-libp2p-kad-dht/dual"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/routing"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	ma "github.com/multiformats/go-multiaddr"
)

// connGrace is how long a new connection is safe from being trimmed.
const connGrace = 20 * time.Second

// netw is the node's place in the network: its libp2p host, the DHT and bitswap.
type netw struct {
	host     host.Host
	dht      *dualdht.DHT // nil without DHT
	exchange *bitswap.Bitswap
	blocks   blockservice.BlockService // local blocks, then bitswap
	booting  io.Closer                 // nil without bootstrap peers
	complete chan struct{}             // closed when host and dht are set

	mu        sync.Mutex
	preferred map[peer.ID]int  // how many want the connection
	friends   map[peer.ID]bool // nodes of cluster peers, preferred for good
}

// openNetwork binds the host's addresses and starts everything on top of it.
// No connection is waited for.
func openNetwork(ctx context.Context, cfg Config, opts Options, r *repo, s *store) (*netw, error) {
	n := &netw{
		complete:  make(chan struct{}),
		preferred: make(map[peer.ID]int),
		friends:   make(map[peer.ID]bool),
	}
	if err := n.openHost(ctx, cfg, opts, r); err != nil {
		return nil, fmt.Errorf("network of the IPFS node: %w", err)
	}
	close(n.complete)
	n.openBitswap(ctx, s)
	if err := n.bootstrap(cfg); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *netw) openHost(ctx context.Context, cfg Config, opts Options, r *repo) error {
	if err := checkFree(cfg.ListenMultiaddresses); err != nil {
		return err
	}
	options, err := n.hostOptions(cfg, opts)
	if err != nil {
		return err
	}
	if cfg.JoinDHT {
		// What the DHT asks this node to keep for others can be a lot.
		records := namespace.Wrap(r.records, ds.NewKey("/embedded/dht"))
		n.host, n.dht, err = ipfslite.SetupLibp2p(ctx, r.key, nil, cfg.ListenMultiaddresses, records, options...)
		return err
	}
	n.host, err = libp2p.New(append(options,
		libp2p.Identity(r.key),
		libp2p.ListenAddrs(cfg.ListenMultiaddresses...))...)
	return err
}

func (n *netw) hostOptions(cfg Config, opts Options) ([]libp2p.Option, error) {
	conns, err := connmgr.NewConnManager(cfg.ConnectionsLow, cfg.ConnectionsHigh,
		connmgr.WithGracePeriod(connGrace))
	if err != nil {
		return nil, err
	}
	resources, err := newResources()
	if err != nil {
		return nil, err
	}
	options := []libp2p.Option{
		libp2p.ConnectionManager(conns),
		libp2p.ResourceManager(resources),
		libp2p.DisableMetrics(), // they would mix with those of the cluster's host
		libp2p.EnableHolePunching(),
	}
	if opts.UserAgent != "" {
		options = append(options, libp2p.UserAgent(opts.UserAgent))
	}
	if announce := cfg.AnnounceMultiaddresses; len(announce) > 0 {
		options = append(options, libp2p.AddrsFactory(func([]ma.Multiaddr) []ma.Multiaddr {
			return slices.Clone(announce)
		}))
	}
	if cfg.NATPortMap {
		options = append(options, libp2p.NATPortMap())
	}
	if cfg.JoinDHT {
		options = append(options,
			libp2p.EnableAutoNATv2(),
			libp2p.EnableAutoRelayWithPeerSource(n.relayCandidates))
	}
	return options, nil
}

// relayCandidates are peers of the public DHT: behind a NAT that cannot be
// opened, one of them passes connections on.
func (n *netw) relayCandidates(ctx context.Context, limit int) <-chan peer.AddrInfo {
	out := make(chan peer.AddrInfo, limit)
	defer close(out)
	select {
	case <-n.complete:
	default: // the host may ask before that
		return out
	}
	for _, p := range n.dht.WAN.RoutingTable().ListPeers() {
		if len(out) == limit || ctx.Err() != nil {
			break
		}
		out <- n.host.Peerstore().PeerInfo(p)
	}
	return out
}

func (n *netw) openBitswap(ctx context.Context, s *store) {
	var finder routing.ContentDiscovery // stays a nil interface without DHT
	if n.dht != nil {
		finder = n.dht
	}
	// Wants are broadcast to peers that gave something before, to peers of the
	// local network and to those that are protected as peering: origins and the
	// nodes of cluster peers. Everybody else is found through the DHT.
	n.exchange = bitswap.New(ctx, bsnet.NewFromIpfsHost(n.host), finder, serving{s},
		bitswap.WithoutDuplicatedBlockStats(),
		bitswap.WithClientOption(bsclient.WithDontHaveTimeoutConfig(answerTimeout())),
		bitswap.WithClientOption(bsclient.BroadcastControlEnable(true)),
		bitswap.WithClientOption(bsclient.BroadcastControlMaxPeers(-1)),
	)
	n.blocks = blockservice.New(s, n.exchange)
}

// answerTimeout is how long a peer may take to answer before bitswap turns to
// others. By default that is twice the peer's latency so far, 50 ms on a fast
// network: then one busy moment makes a session drop its only peer and wait for
// ever.
func answerTimeout() *bsclient.DontHaveTimeoutConfig {
	cfg := bsclient.DefaultDontHaveTimeoutConfig()
	cfg.DontHaveTimeout = 10 * time.Second
	cfg.MinTimeout = 10 * time.Second
	cfg.MaxTimeout = 20 * time.Second
	return cfg
}

// bootstrap connects to the bootstrap peers in the background, again and again
// while there are too few connections.
func (n *netw) bootstrap(cfg Config) error {
	peers, err := bootstrapPeers(cfg)
	if err != nil {
		return err
	}
	var router routing.Routing
	if n.dht != nil {
		router = n.dht
	}
	if len(peers) == 0 {
		return nil
	}
	n.booting, err = bootstrap.Bootstrap(n.host.ID(), n.host, router, bootstrap.BootstrapConfigWithPeers(peers))
	return err
}

func bootstrapPeers(cfg Config) ([]peer.AddrInfo, error) {
	if len(cfg.BootstrapMultiaddresses) > 0 {
		return peer.AddrInfosFromP2pAddrs(cfg.BootstrapMultiaddresses...)
	}
	if cfg.JoinDHT {
		return dht.GetDefaultBootstrapPeerAddrInfos(), nil
	}
	return nil, nil
}

// Close stops everything and closes all connections.
func (n *netw) Close() error {
	var errs []error
	if n.booting != nil {
		errs = append(errs, n.booting.Close())
	}
	if n.blocks != nil {
		errs = append(errs, n.blocks.Close()) // bitswap too
	}
	if n.dht != nil {
		errs = append(errs, n.dht.Close())
	}
	if n.host != nil {
		errs = append(errs, n.host.Close())
	}
	return errors.Join(errs...)
}

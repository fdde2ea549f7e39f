package network

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
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/bootstrap"
	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/namespace"
	logging "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	dualdht "github.com/libp2p/go-libp2p-kad-dht/dual"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/routing"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	ma "github.com/multiformats/go-multiaddr"
)

var logger = logging.Logger("embedded")

// connGrace is how long a new connection is safe from being trimmed.
const connGrace = 20 * time.Second

// Options are what a network is made of.
type Options struct {
	// Listen, Announce and Bootstrap are addresses; see embedded.Config.
	Listen, Announce, Bootstrap []ma.Multiaddr
	JoinDHT                     bool
	NATPortMap                  bool
	// ConnectionsLow and ConnectionsHigh bound the connections.
	ConnectionsLow, ConnectionsHigh int
	// UserAgent is sent to other nodes; empty for libp2p's own.
	UserAgent string
	// Key is the node's identity.
	Key crypto.PrivKey
	// Records keep what the DHT stores for others.
	Records ds.Batching
	// Blocks are served to others.
	Blocks blockstore.Blockstore
}

// Network holds the node's libp2p host, the DHT and bitswap. Its methods may be
// called concurrently, except Close.
type Network struct {
	Host     host.Host
	DHT      *dualdht.DHT // nil without DHT
	Exchange *bitswap.Bitswap
	Blocks   blockservice.BlockService // local blocks, then bitswap

	booting  io.Closer     // nil without bootstrap peers
	complete chan struct{} // closed when Host and DHT are set

	mu        sync.Mutex
	preferred map[peer.ID]int  // how many want the connection
	siblings  map[peer.ID]bool // nodes of cluster peers, preferred for good
}

// Open binds the host's addresses and starts everything on top of it. It does not
// wait for connections. ctx bounds the life of the network, not only of the call.
func Open(ctx context.Context, o Options) (*Network, error) {
	n := &Network{
		complete:  make(chan struct{}),
		preferred: make(map[peer.ID]int),
		siblings:  make(map[peer.ID]bool),
	}
	if err := n.openHost(ctx, o); err != nil {
		return nil, fmt.Errorf("network of the IPFS node: %w", err)
	}
	close(n.complete)
	n.openBitswap(ctx, o.Blocks)
	if err := n.bootstrap(o); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Network) openHost(ctx context.Context, o Options) error {
	if err := checkFree(o.Listen); err != nil {
		return err
	}
	options, err := n.hostOptions(o)
	if err != nil {
		return err
	}
	if o.JoinDHT {
		// The DHT stores records of other nodes here, possibly many: they go to disk.
		records := namespace.Wrap(o.Records, ds.NewKey("/embedded/dht"))
		n.Host, n.DHT, err = ipfslite.SetupLibp2p(ctx, o.Key, nil, o.Listen, records, options...)
		return err
	}
	n.Host, err = libp2p.New(append(options,
		libp2p.Identity(o.Key),
		libp2p.ListenAddrs(o.Listen...))...)
	return err
}

func (n *Network) hostOptions(o Options) ([]libp2p.Option, error) {
	conns, err := connmgr.NewConnManager(o.ConnectionsLow, o.ConnectionsHigh,
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
	if o.UserAgent != "" {
		options = append(options, libp2p.UserAgent(o.UserAgent))
	}
	if announce := o.Announce; len(announce) > 0 {
		options = append(options, libp2p.AddrsFactory(func([]ma.Multiaddr) []ma.Multiaddr {
			return slices.Clone(announce)
		}))
	}
	if o.NATPortMap {
		options = append(options, libp2p.NATPortMap())
	}
	if o.JoinDHT {
		options = append(options,
			libp2p.EnableAutoNATv2(),
			libp2p.EnableAutoRelayWithPeerSource(n.relayCandidates))
	}
	return options, nil
}

// relayCandidates are peers of the public DHT: behind a NAT that cannot be
// opened, one of them passes connections on.
func (n *Network) relayCandidates(ctx context.Context, limit int) <-chan peer.AddrInfo {
	out := make(chan peer.AddrInfo, limit)
	defer close(out)
	select {
	case <-n.complete:
	default: // the host may ask before that
		return out
	}
	for _, p := range n.DHT.WAN.RoutingTable().ListPeers() {
		if len(out) == limit || ctx.Err() != nil {
			break
		}
		out <- n.Host.Peerstore().PeerInfo(p)
	}
	return out
}

func (n *Network) openBitswap(ctx context.Context, s blockstore.Blockstore) {
	var finder routing.ContentDiscovery // stays a nil interface without DHT
	if n.DHT != nil {
		finder = n.DHT
	}
	// Wants are broadcast to peers that gave something before, to peers of the
	// local network and to those that are protected as peering: origins and the
	// nodes of cluster peers. All other providers are found through the DHT.
	n.Exchange = bitswap.New(ctx, bsnet.NewFromIpfsHost(n.Host), finder, serving{s},
		bitswap.WithoutDuplicatedBlockStats(),
		bitswap.WithClientOption(bsclient.WithDontHaveTimeoutConfig(answerTimeout())),
		bitswap.WithClientOption(bsclient.BroadcastControlEnable(true)),
		bitswap.WithClientOption(bsclient.BroadcastControlMaxPeers(-1)),
	)
	n.Blocks = blockservice.New(s, n.Exchange)
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
func (n *Network) bootstrap(o Options) error {
	peers, err := bootstrapPeers(o)
	if err != nil {
		return err
	}
	var router routing.Routing
	if n.DHT != nil {
		router = n.DHT
	}
	if len(peers) == 0 {
		return nil
	}
	n.booting, err = bootstrap.Bootstrap(n.Host.ID(), n.Host, router, bootstrap.BootstrapConfigWithPeers(peers))
	return err
}

func bootstrapPeers(o Options) ([]peer.AddrInfo, error) {
	if len(o.Bootstrap) > 0 {
		return peer.AddrInfosFromP2pAddrs(o.Bootstrap...)
	}
	if o.JoinDHT {
		return dht.GetDefaultBootstrapPeerAddrInfos(), nil
	}
	return nil, nil
}

// Close stops everything and closes all connections, from the top down, since each
// part uses the ones closed after it. Parts that Open did not reach are skipped.
func (n *Network) Close() error {
	var errs []error
	if n.booting != nil {
		errs = append(errs, n.booting.Close())
	}
	if n.Blocks != nil {
		errs = append(errs, n.Blocks.Close()) // bitswap too
	}
	if n.DHT != nil {
		errs = append(errs, n.DHT.Close())
	}
	if n.Host != nil {
		errs = append(errs, n.Host.Close())
	}
	return errors.Join(errs...)
}

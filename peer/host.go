package peer

import (
	"context"
	"fmt"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/ipfs/go-datastore"
	dual "github.com/libp2p/go-libp2p-kad-dht/dual"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"
)

// network is the peer's end of the cluster's private network.
type network struct {
	host      host.Host
	bandwidth metrics.Reporter
	pubsub    *pubsub.PubSub
	dht       *dual.DHT
}

// connect opens the libp2p host, on the library's terms: its private network
// key, its connection limits, its DHT records in the datastore.
func connect(ctx context.Context, id *config.Identity, cfg *ipfscluster.Config, store datastore.Datastore) (*network, error) {
	h, bandwidth, ps, dht, err := ipfscluster.NewClusterHost(ctx, id, cfg, store)
	if err != nil {
		return nil, fmt.Errorf("cluster.listen_multiaddress: %w", err)
	}
	return &network{host: h, bandwidth: bandwidth, pubsub: ps, dht: dht}, nil
}

// listens returns where other peers of the cluster reach this one, each
// address with the peer's ID.
func (n *network) listens() []string {
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()})
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}

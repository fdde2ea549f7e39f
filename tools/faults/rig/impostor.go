package rig

import (
	"context"
	"encoding/hex"
	"errors"
	"sync"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-ds-crdt/pb"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	libnet "github.com/libp2p/go-libp2p/core/network"
	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multihash"
	"google.golang.org/protobuf/proto"
)

const (
	// clusterName is the default of consensus.crdt.cluster_name.
	clusterName = "ipfs-cluster"
	// nodesProtocol is how peers ask each other for nodes of the pinset.
	nodesProtocol = "/pinsvc/crdt/nodes/1.0.0"
)

// impostor is a peer with the cluster's secret that announces what it does not
// have.
type impostor struct {
	ID    string
	topic *pubsub.Topic
	Close func()
}

// NewImpostor connects one to all peers of a cluster. A silent one accepts
// questions and never answers.
func NewImpostor(ctx context.Context, c Cluster, silent bool) (*impostor, error) {
	identity, err := config.NewIdentity()
	if err != nil {
		return nil, err
	}
	cfg := &ipfscluster.Config{}
	if err := cfg.Default(); err != nil {
		return nil, err
	}
	if cfg.Secret, err = hex.DecodeString(c[0].Folder.Secret()); err != nil {
		return nil, err
	}
	cfg.ListenAddr = []multiaddr.Multiaddr{multiaddr.StringCast("/ip4/127.0.0.1/tcp/0")}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	h, _, gossip, dht, err := ipfscluster.NewClusterHost(life, identity, cfg, inmem.New())
	if err != nil {
		end()
		return nil, err
	}
	i := &impostor{Close: sync.OnceFunc(func() { end(); _ = errors.Join(dht.Close(), h.Close()) })}
	i.ID = h.ID().String()
	if silent {
		h.SetStreamHandler(nodesProtocol, func(libnet.Stream) {})
	}
	hash, err := multihash.Sum([]byte(clusterName), multihash.MD5, -1)
	if err == nil {
		i.topic, err = gossip.Join(hash.B58String())
	}
	if err == nil {
		_, err = i.topic.Subscribe()
	}
	for _, p := range c {
		if err == nil {
			err = connect(ctx, h.Connect, p)
		}
	}
	if err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}

// connect connects to a peer with a host's function for that.
func connect(ctx context.Context, with func(context.Context, libp2p.AddrInfo) error, p *Peer) error {
	address, err := p.Folder.Multiaddr()
	if err != nil {
		return err
	}
	info, err := libp2p.AddrInfoFromString(address)
	if err != nil {
		return err
	}
	return with(ctx, *info)
}

// Announce announces a head that nobody has.
func (i *impostor) Announce(ctx context.Context, text string) error {
	hash, err := multihash.Sum([]byte(text), multihash.SHA2_256, -1)
	if err != nil {
		return err
	}
	head := cid.NewCidV1(cid.DagProtobuf, hash)
	data, err := proto.Marshal(&pb.CRDTBroadcast{Heads: []*pb.Head{{Cid: head.Bytes()}}})
	if err != nil {
		return err
	}
	return i.topic.Publish(ctx, data)
}

package rig

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ipfs/boxo/bitswap"
	"github.com/ipfs/boxo/bitswap/network/bsnet"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/ipld/merkledag"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ds "github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	format "github.com/ipfs/go-ipld-format"
	"github.com/libp2p/go-libp2p"
	libp2phost "github.com/libp2p/go-libp2p/core/host"
	"github.com/multiformats/go-multihash"
)

// leafSize is the size of a provider's leaves, in bytes: bitswap puts smaller
// blocks together before it sends any.
const leafSize = 20 << 10

// Provider is an IPFS node on loopback that has DAGs of leaves below one root.
type Provider struct {
	host  libp2phost.Host
	store pacedStore
}

// NewProvider starts one that reads a block from its store in a time.
func (e *Env) NewProvider(ctx context.Context, each time.Duration) (*Provider, error) {
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())
	if err != nil {
		return nil, err
	}
	p := &Provider{host: h, store: pacedStore{
		Blockstore: blockstore.NewBlockstore(dssync.MutexWrap(ds.NewMapDatastore())),
		each:       each,
		turn:       new(sync.Mutex),
	}}
	exchange := bitswap.New(ctx, bsnet.NewFromIpfsHost(h), nil, p.store)
	e.CleanupWith(func() {
		exchange.Close()
		h.Close()
	})
	return p, nil
}

// Origins are the provider's addresses, for a pin.
func (p *Provider) Origins() (all []string) {
	for _, a := range p.host.Addrs() {
		all = append(all, fmt.Sprintf("%s/p2p/%s", a, p.host.ID()))
	}
	return all
}

// Add stores a new DAG of so many leaves and returns its root.
func (p *Provider) Add(ctx context.Context, e *Env, leaves int) (string, error) {
	root := merkledag.NodeWithData(nil)
	if err := root.SetCidBuilder(cid.V1Builder{Codec: cid.DagProtobuf, MhType: multihash.SHA2_256}); err != nil {
		return "", err
	}
	all := []blocks.Block{}
	for i := range leaves {
		data := make([]byte, leafSize)
		for j := range data {
			data[j] = byte(e.Rand.Uint32())
		}
		leaf := merkledag.NewRawNode(data)
		name := fmt.Sprintf("%06d", i)
		if err := root.AddRawLink(name, &format.Link{Name: name, Cid: leaf.Cid(), Size: leafSize}); err != nil {
			return "", err
		}
		all = append(all, leaf)
	}
	return root.Cid().String(), p.store.PutMany(ctx, append(all, root))
}

// pacedStore reads one block at a time, and takes its time.
type pacedStore struct {
	blockstore.Blockstore
	each time.Duration
	turn *sync.Mutex
}

func (s pacedStore) Get(ctx context.Context, c cid.Cid) (blocks.Block, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	Sleep(ctx, s.each)
	return s.Blockstore.Get(ctx, c)
}

package embedded

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/peering"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/config"
	"github.com/ipfs-cluster/pinsvc/embedded/network"
)

// fakeCluster is the part of a cluster peer's RPC that the node calls.
type fakeCluster struct {
	mu        sync.Mutex // guards peers
	peers     []api.ID
	asked     atomic.Int32
	triggered chan struct{}
}

func (f *fakeCluster) join(p api.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.peers = append(f.peers, p)
}

func (f *fakeCluster) Peers(_ context.Context, _ <-chan struct{}, out chan<- api.ID) error {
	defer close(out)
	f.asked.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.peers {
		out <- p
	}
	return nil
}

func (f *fakeCluster) SendInformersMetrics(context.Context, struct{}, *struct{}) error {
	f.triggered <- struct{}{}
	return nil
}

func (f *fakeCluster) client(t testing.TB) *rpc.Client {
	t.Helper()
	server := rpc.NewServer(nil, "test")
	require.NoError(t, server.RegisterName("Cluster", f))
	return rpc.NewClientWithServer(nil, "test", server)
}

func TestConnectSwarms(t *testing.T) {
	t.Parallel()
	a, b := startNode(t), startNode(t)
	self, err := a.ID(t.Context())
	require.NoError(t, err)
	sibling, err := b.ID(t.Context())
	require.NoError(t, err)
	nobody := api.IPFSID{ID: "nobody"}
	cluster := &fakeCluster{peers: []api.ID{
		{IPFS: self},
		{IPFS: api.IPFSID{Error: "not there", ID: sibling.ID}},
		{Error: "not there"},
		{IPFS: nobody},
		{IPFS: sibling},
		{IPFS: sibling},
	}}
	require.Error(t, a.ConnectSwarms(t.Context()), "without a cluster")
	a.SetClient(cluster.client(t))
	require.NoError(t, a.ConnectSwarms(t.Context()))
	peers, err := a.SwarmPeers(t.Context())
	require.NoError(t, err)
	require.Equal(t, []peer.ID{sibling.ID}, peers)

	// Cluster peers are asked for content without any origins.
	d := wide("sibling", 5, 100, 5)
	load(t, b, d...)
	require.NoError(t, a.Pin(t.Context(), pinOf(d.root(), nil)))
}

func TestConnectSwarmsByItself(t *testing.T) {
	t.Parallel()
	b := startNode(t)
	sibling, err := b.ID(t.Context())
	require.NoError(t, err)
	a := startNode(t, func(c *Config, _ *Options) {
		c.ConnectSwarmsDelay = config.Duration(300 * time.Millisecond)
	})
	a.SetClient((&fakeCluster{peers: []api.ID{{IPFS: sibling}}}).client(t))
	require.Eventually(t, func() bool {
		peers, err := a.SwarmPeers(t.Context())
		return err == nil && len(peers) == 1
	}, waitMax, time.Millisecond)
}

// A peer that is not known at first is connected soon after it is.
func TestConnectSwarmsOfWhoComesLater(t *testing.T) {
	t.Parallel()
	b := startNode(t)
	sibling, err := b.ID(t.Context())
	require.NoError(t, err)
	a := startNode(t, func(c *Config, _ *Options) {
		c.ConnectSwarmsDelay = config.Duration(50 * time.Millisecond)
	})
	cluster := &fakeCluster{}
	a.SetClient(cluster.client(t))
	require.Eventually(t, func() bool { return cluster.asked.Load() > 1 }, waitMax, time.Millisecond)
	cluster.join(api.ID{IPFS: sibling})
	require.Eventually(t, func() bool {
		peers, err := a.SwarmPeers(t.Context())
		return err == nil && len(peers) == 1
	}, waitMax, time.Millisecond)
}

func TestInformerTrigger(t *testing.T) {
	n := startNode(t, func(c *Config, _ *Options) { c.InformerTriggerInterval = 2 })
	cluster := &fakeCluster{triggered: make(chan struct{})}
	b := rawBlock("informer", 10)
	load(t, n, b) // one operation before there is a cluster
	n.SetClient(cluster.client(t))
	require.NoError(t, n.Pin(t.Context(), pinOf(b.Cid(), nil)))
	<-cluster.triggered
}

// A pin's origins that nobody answers at do not matter.
func TestUselessOrigins(t *testing.T) {
	source, target := startNode(t), startNode(t)
	self := origins(t, target)
	b := rawBlock("useless origins", 10)
	load(t, source, b)
	dead, err := api.NewMultiaddr("/ip4/127.0.0.1/tcp/1/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN")
	require.NoError(t, err)
	from := append([]api.Multiaddr{dead, {}}, self...)
	require.NoError(t, target.Pin(t.Context(), pinOf(b.Cid(), append(from, origins(t, source)...))))
	for _, p := range network.OriginPeers(append(from, origins(t, source)...)) {
		require.False(t, target.net.Host.ConnManager().IsProtected(p.ID, peering.ConnmgrTag), "nobody is preferred after the pin")
	}
}

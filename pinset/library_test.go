package pinset

import (
	"context"
	"sync"
	"testing"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs-cluster/ipfs-cluster/state/dsstate"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"
	"github.com/stretchr/testify/require"
)

// library is the library's own Cluster over a state in memory. Its errors are read
// through gorpc, as the APIs read them.
type library struct {
	cluster *ipfscluster.Cluster
	client  *rpc.Client
	state   *dsstate.State
}

func newLibrary(t *testing.T, change func(*ipfscluster.Config)) *library {
	t.Helper()
	net, err := mocknet.FullMeshLinked(1)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, net.Close()) })
	st, err := dsstate.New(t.Context(), inmem.New(), "", dsstate.DefaultHandle())
	require.NoError(t, err)
	cfg := &ipfscluster.Config{}
	require.NoError(t, cfg.Default())
	cfg.SetBaseDir(t.TempDir())
	cfg.MDNSInterval = 0
	if change != nil {
		change(cfg)
	}
	parts := &parts{state: st, clients: make(chan *rpc.Client, 10)}
	l := &library{state: st}
	ctx := context.WithoutCancel(t.Context())
	l.cluster, err = ipfscluster.NewCluster(ctx, net.Hosts()[0], nil, nil, cfg, inmem.New(), consensus{parts: parts},
		nil, connector{parts: parts}, tracker{parts: parts}, monitor{parts: parts}, allocator{parts: parts},
		[]ipfscluster.Informer{informer{parts: parts}}, parts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.cluster.Shutdown(ctx)) })
	l.client = <-parts.clients
	return l
}

func (l *library) store(t *testing.T, pins ...api.Pin) {
	t.Helper()
	for _, p := range pins {
		require.NoError(t, l.state.Add(t.Context(), p))
	}
}

// call returns the error of a call through gorpc.
func (l *library) call(service, method string, in any) error {
	var out any
	switch method {
	case "Pin", "Unpin", "PinGet":
		out = new(api.Pin)
	default:
		out = new(struct{})
	}
	return l.client.CallContext(context.Background(), "", service, method, in, out)
}

// parts are the components that the Cluster needs and these tests do not.
type parts struct {
	state   *dsstate.State
	clients chan *rpc.Client
	once    sync.Once
}

func (p *parts) SetClient(c *rpc.Client)      { p.once.Do(func() { p.clients <- c }) }
func (*parts) Shutdown(context.Context) error { return nil }

type consensus struct {
	ipfscluster.Consensus
	parts *parts
}

func (c consensus) SetClient(client *rpc.Client)                  { c.parts.SetClient(client) }
func (consensus) Shutdown(context.Context) error                  { return nil }
func (consensus) Ready(context.Context) <-chan struct{}           { return nil }
func (consensus) IsTrustedPeer(context.Context, peer.ID) bool     { return true }
func (consensus) Peers(context.Context) ([]peer.ID, error)        { return []peer.ID{""}, nil }
func (c consensus) State(context.Context) (state.ReadOnly, error) { return c.parts.state, nil }
func (c consensus) LogPin(ctx context.Context, p api.Pin) error   { return c.parts.state.Add(ctx, p) }

type connector struct {
	ipfscluster.IPFSConnector
	parts *parts
}

func (connector) SetClient(*rpc.Client)          {}
func (connector) Shutdown(context.Context) error { return nil }

type tracker struct {
	ipfscluster.PinTracker
	parts *parts
}

func (tracker) SetClient(*rpc.Client)                  {}
func (tracker) Track(context.Context, api.Pin) error   { return nil }
func (tracker) Untrack(context.Context, api.Cid) error { return nil }
func (tracker) StatusAll(_ context.Context, _ api.TrackerStatus, out chan<- api.PinInfo) error {
	close(out)
	return nil
}
func (tracker) RecoverAll(_ context.Context, out chan<- api.PinInfo) error { close(out); return nil }
func (tracker) Shutdown(context.Context) error                             { return nil }

type monitor struct {
	ipfscluster.PeerMonitor
	parts *parts
}

func (monitor) SetClient(*rpc.Client)                                         {}
func (monitor) Shutdown(context.Context) error                                { return nil }
func (monitor) Alerts() <-chan api.Alert                                      { return nil }
func (monitor) PublishMetric(context.Context, api.Metric) error               { return nil }
func (monitor) LatestMetrics(context.Context, string) []api.Metric            { return nil }
func (monitor) LatestForPeer(context.Context, string, peer.ID) (m api.Metric) { return m }

type allocator struct{ parts *parts }

func (allocator) SetClient(*rpc.Client)          {}
func (allocator) Shutdown(context.Context) error { return nil }
func (allocator) Metrics() []string              { return []string{"freespace"} }
func (allocator) Allocate(context.Context, api.Cid, api.MetricsSet, api.MetricsSet, api.MetricsSet) ([]peer.ID, error) {
	return nil, nil
}

type informer struct{ parts *parts }

func (informer) SetClient(*rpc.Client)          {}
func (informer) Shutdown(context.Context) error { return nil }
func (informer) Name() string                   { return "freespace" }
func (informer) GetMetrics(context.Context) []api.Metric {
	m := api.Metric{Name: "freespace", Valid: true}
	m.SetTTL(time.Hour)
	return []api.Metric{m}
}

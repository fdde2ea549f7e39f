package embedded

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/embedded/network"
)

// fakeDHT tells what it is given.
type fakeDHT struct{ provided chan string }

func (f *fakeDHT) Provide(ctx context.Context, c cid.Cid, _ bool) error {
	select {
	case f.provided <- string(c.Hash()):
	case <-ctx.Done():
	}
	return nil
}

// announce gives n a DHT in which there is nobody until peers is not 0.
func announce(t *testing.T, n *Node, interval time.Duration) (dht *fakeDHT, peers *atomic.Int64) {
	t.Helper()
	dht, peers = &fakeDHT{provided: make(chan string)}, &atomic.Int64{}
	router := &network.ProvideRouter{
		DHT:   dht,
		Peers: func() int { return int(peers.Load()) },
		Check: time.Millisecond,
	}
	var err error
	n.provider, err = network.NewProvider(n.ctx, router, network.ProviderOptions{Interval: interval, Queue: n.repo.Records, Keys: n.provided})
	require.NoError(t, err)
	return dht, peers
}

func (f *fakeDHT) take(n int) map[string]bool {
	got := make(map[string]bool)
	for range n {
		got[<-f.provided] = true
	}
	return got
}

func hashes(cids ...cid.Cid) map[string]bool {
	want := make(map[string]bool)
	for _, c := range cids {
		want[string(c.Hash())] = true
	}
	return want
}

func (d dag) cids() (all []cid.Cid) {
	for _, b := range d {
		all = append(all, b.Cid())
	}
	return all
}

func TestProvide(t *testing.T) {
	d := wide("provided", 20, 100, 4)
	for strategy, want := range map[string][]cid.Cid{
		provideRoots:  {d.root()},
		providePinned: d.cids(),
	} {
		t.Run(strategy, func(t *testing.T) {
			n := startNode(t, func(c *Config, _ *Options) { c.Provide = strategy })
			load(t, n, d...)
			dht, peers := announce(t, n, 0)
			require.NoError(t, n.Pin(t.Context(), pinOf(d.root(), nil)), "without network")
			peers.Store(1)
			require.Equal(t, hashes(want...), dht.take(len(want)))
		})
	}
}

func TestReprovide(t *testing.T) {
	d, once := wide("provided again", 20, 100, 4), rawBlock("once", 10)
	for strategy, want := range map[string][]cid.Cid{
		provideRoots:  {d.root(), once.Cid()},
		providePinned: append(d.cids(), once.Cid()),
	} {
		t.Run(strategy, func(t *testing.T) {
			n := startNode(t, func(c *Config, _ *Options) { c.Provide = strategy })
			load(t, n, append(d, once)...)
			require.NoError(t, n.Pin(t.Context(), pinOf(d.root(), nil)))
			require.NoError(t, n.Pin(t.Context(), depthPin(once.Cid(), 0, nil)))
			dht, peers := announce(t, n, 10*time.Millisecond)
			peers.Store(1)
			require.Equal(t, hashes(want...), dht.take(len(want)))
			require.Equal(t, hashes(want...), dht.take(len(want)), "again")
		})
	}
}

// A node that stops with a full queue does not wait for it.
func TestProvideStops(t *testing.T) {
	n := startNode(t)
	_, _ = announce(t, n, time.Millisecond)
	for _, b := range wide("never provided", 100, 10, 10) {
		n.provider.Provide(b.Cid())
	}
	start := time.Now()
	require.NoError(t, n.Shutdown(t.Context()))
	require.Less(t, time.Since(start), waitMax)
}

package crdt

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	"github.com/libp2p/go-libp2p"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p-kad-dht/dual"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/consensus"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// patient is how long something may take that has no bound of its own.
const patient = 5 * time.Minute

// rig is a peer's consensus and what it needs.
type rig struct {
	ipfscluster.Consensus
	t       *testing.T
	host    host.Host
	store   datastore.Datastore
	tracker *fakeTracker
}

// rigOptions choose the kind of rig.
type rigOptions struct {
	store   datastore.Datastore // a new one if nil
	library bool                // the library's component
	trusted []peer.ID           // empty: everybody is
	every   time.Duration       // heads are announced again; an hour if 0
	held    chan struct{}       // see fakeTracker
	walked  bool                // the store is known to have no holes

	generation Generation // not with walked

	stuckAfter time.Duration // a failed change is tried again; the usual time if 0
}

// fakeTracker notes the names of pins in the order in which they are tracked.
// With held, that goes on only as far as the test lets it.
type fakeTracker struct {
	held chan struct{}

	mu    sync.Mutex
	names []string
}

func (f *fakeTracker) Track(ctx context.Context, p api.Pin, _ *struct{}) error {
	if f.held != nil {
		select {
		case <-f.held:
		case <-ctx.Done():
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.names = append(f.names, p.Name)
	return nil
}

func (f *fakeTracker) Untrack(_ context.Context, p api.Pin, _ *struct{}) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.names = append(f.names, "-"+p.Cid.String())
	return nil
}

func (f *fakeTracker) observe(c pinset.Change) {
	if c.Removed() {
		_ = f.Untrack(context.Background(), api.PinCid(c.CID), nil)
	} else {
		_ = f.Track(context.Background(), c.Pin, nil)
	}
}

func (f *fakeTracker) tracked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.names)
}

type fakeMonitor struct{ peers []peer.ID }

func (f *fakeMonitor) LatestMetrics(_ context.Context, _ string, out *[]api.Metric) error {
	for _, p := range f.peers {
		*out = append(*out, api.Metric{Peer: p})
	}
	return nil
}

func newRig(t *testing.T, o rigOptions) *rig {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	require.NoError(t, err)
	t.Cleanup(func() { h.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	gossip, err := pubsub.NewGossipSub(ctx, h, pubsub.WithFloodPublish(true)) // before there is a mesh, too
	require.NoError(t, err)
	dht, err := dual.New(ctx, h)
	require.NoError(t, err)
	t.Cleanup(func() { dht.Close() })

	cfg := &crdt.Config{}
	require.NoError(t, cfg.Default())
	cfg.RebroadcastInterval = max(o.every, time.Millisecond)
	if o.every == 0 {
		cfg.RebroadcastInterval = time.Hour
	}
	cfg.TrustAll, cfg.TrustedPeers = len(o.trusted) == 0, o.trusted
	r := &rig{t: t, host: h, store: o.store, tracker: &fakeTracker{held: o.held}}
	if r.store == nil {
		r.store = inmem.New()
	}
	generation := o.generation
	if o.walked {
		generation = Generation{Before: "1", Now: "1"}
		require.NoError(t, record{Generation: "1"}.save(t.Context(), memoryOf(r.store), datastore.NewKey(cfg.DatastoreNamespace)))
	}
	if o.library {
		r.Consensus, err = crdt.New(h, dht, gossip, cfg, r.store)
	} else {
		var feed consensus.Feed
		feed.Subscribe(r.tracker.observe)
		store := feed.CRDT(r.store.(datastore.Batching), datastore.NewKey(cfg.DatastoreNamespace))
		r.Consensus, err = New(Options{Host: h, DHT: dht, PubSub: gossip, Config: cfg, Store: store, Generation: generation})
	}
	require.NoError(t, err)
	if o.stuckAfter > 0 {
		ours := r.Consensus.(*Replica)
		ours.resumeEvery, ours.stuckAfter = o.stuckAfter, o.stuckAfter
	}
	s := rpc.NewServer(h, "test")
	require.NoError(t, s.RegisterName("PinTracker", r.tracker))
	require.NoError(t, s.RegisterName("PeerMonitor", &fakeMonitor{peers: []peer.ID{"somebody"}}))
	r.SetClient(rpc.NewClientWithServer(h, "test", s))
	t.Cleanup(func() { r.Shutdown(context.Background()) })
	select {
	case <-r.Ready(t.Context()):
	case <-time.After(patient):
		t.Fatal("it is not ready")
	}
	return r
}

// connect connects two peers. A dial has a timeout of its own, which a busy machine
// may exceed.
func (r *rig) connect(other *rig) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patient)
	defer cancel()
	for {
		err := r.host.Connect(ctx, peer.AddrInfo{ID: other.host.ID(), Addrs: other.host.Addrs()})
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			require.NoError(r.t, err)
		}
		if s, ok := r.host.Network().(*swarm.Swarm); ok {
			s.Backoff().Clear(other.host.ID())
		}
	}
}

// pin writes pins, each in a node of its own, and returns their names.
func (r *rig) pin(from, to int) (names []string) {
	r.t.Helper()
	for i := from; i < to; i++ {
		name := fmt.Sprint(i)
		require.NoError(r.t, r.LogPin(r.t.Context(), api.PinWithOpts(testCID(i), api.PinOptions{Name: name})))
		names = append(names, name)
	}
	return names
}

// names returns those of all pins of the state, sorted.
func (r *rig) names() []string {
	st, err := r.State(r.t.Context())
	require.NoError(r.t, err)
	pins := make(chan api.Pin, 1024)
	go st.List(r.t.Context(), pins)
	var names []string
	for p := range pins {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

// gets waits until the peer has pins of these names, and no others.
func (r *rig) gets(names []string, timeout time.Duration) {
	r.t.Helper()
	want := slices.Sorted(slices.Values(names))
	deadline := time.Now().Add(timeout)
	for !slices.Equal(want, r.names()) {
		if time.Now().After(deadline) {
			require.Equal(r.t, want, r.names(), "after %s", timeout)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func testCID(i int) api.Cid {
	hash, _ := multihash.Sum([]byte(fmt.Sprint("pin ", i)), multihash.SHA2_256, -1)
	return api.NewCid(cid.NewCidV1(cid.Raw, hash))
}

// copyStore returns what a datastore has now, in a new one.
func copyStore(t *testing.T, from datastore.Datastore) datastore.Datastore {
	t.Helper()
	found, err := from.Query(t.Context(), query.Query{})
	require.NoError(t, err)
	all, err := found.Rest()
	require.NoError(t, err)
	to := inmem.New()
	for _, e := range all {
		require.NoError(t, to.Put(t.Context(), datastore.NewKey(e.Key), e.Value))
	}
	return to
}

// memoryOf returns the datastore below a cut one.
func memoryOf(store datastore.Datastore) datastore.Datastore {
	if c, ok := store.(*cut); ok {
		return c.Batching
	}
	return store
}

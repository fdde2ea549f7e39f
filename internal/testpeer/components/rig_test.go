package components

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	libraft "github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs-cluster/ipfs-cluster/pintracker/stateless"
	"github.com/ipfs/go-datastore"
	pebbleds "github.com/ipfs/go-ds-pebble"
	"github.com/libp2p/go-libp2p"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p-kad-dht/dual"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/consensus"
	ours "github.com/ipfs-cluster/pinsvc/consensus/crdt"
	"github.com/ipfs-cluster/pinsvc/consensus/raft"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
	"github.com/ipfs-cluster/pinsvc/ipfsconn"
	"github.com/ipfs-cluster/pinsvc/pinset"
	"github.com/ipfs-cluster/pinsvc/pinset/view"
	"github.com/ipfs-cluster/pinsvc/tracker"
)

// rig is the library's consensus and tracker, wrapped, around a fake IPFS
// node. They call each other as in a peer.
type rig struct {
	t         testing.TB
	folder    string // of the datastore, CRDT only
	feed      consensus.Feed
	entries   pinset.Entries // CRDT only
	library   ipfscluster.PinTracker
	inner     ipfscluster.Consensus
	consensus *consensus.Consensus
	tracker   *tracker.Tracker
	ipfs      *fakes.IPFS
	reads     atomic.Int64 // of single pins from the state

	components []ipfscluster.Component // in the order of their shutdown
}

// rigOptions choose the kind of rig. The zero value is CRDT without batching.
type rigOptions struct {
	slow   time.Duration // of each write to the state, Raft only
	raft   bool
	batch  crdt.BatchingConfig
	pins   int            // concurrent pins of the tracker
	folder string         // of Raft's log, a new one if empty
	key    crypto.PrivKey // of the peer, a new one if nil
	view   *view.View     // hears of every change, as in a peer
}

var batching = crdt.BatchingConfig{MaxBatchSize: 100, MaxBatchAge: 5 * time.Millisecond, MaxQueueSize: 50000}

// everyKind runs a test on each consensus.
func everyKind(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Parallel()
	for name, o := range map[string]rigOptions{
		"CRDT":              {},
		"CRDT with batches": {batch: batching},
		"Raft":              {raft: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if o.raft && raceEnabled {
				t.Skip("the database of Raft's log does not run under the race detector")
			}
			o.pins = 2
			f(t, newRig(t, o))
		})
	}
}

func testHost(t testing.TB, key crypto.PrivKey) host.Host {
	identity := libp2p.RandomIdentity
	if key != nil {
		identity = libp2p.Identity(key)
	}
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), identity)
	require.NoError(t, err)
	t.Cleanup(func() { h.Close() })
	return h
}

func newRig(t testing.TB, o rigOptions) *rig {
	h := testHost(t, o.key)
	r := &rig{t: t, ipfs: fakes.NewIPFS()}
	var store datastore.Datastore
	if o.raft {
		r.inner = r.newRaft(h, o)
	} else {
		r.inner, store = r.newCRDT(h, o.batch)
	}
	r.consensus = consensus.New(countingConsensus{r.inner, &r.reads}, consensus.Options{Store: store})
	connector := ipfsconn.New(r.ipfs)
	cfg := &stateless.Config{}
	require.NoError(t, cfg.Default())
	places := tracker.PlaceOptions{Concurrent: max(o.pins, 1), Background: 4, Away: connector.Away}
	cfg.ConcurrentPins = places.Workers()
	inner := stateless.New(cfg, h.ID(), "me", r.consensus.State)
	r.library = inner
	r.tracker = tracker.New(inner, tracker.Options{
		Peer: h.ID(), Peername: "me", State: r.consensus.State, Entries: r.entries, IPFS: connector, Places: places,
	})
	subscribers := []func(pinset.Change){r.tracker.Observe}
	if o.view != nil {
		subscribers = append(subscribers, o.view.Observe)
	}
	r.feed.Subscribe(append(subscribers, r.consensus.Observe)...)
	connector.Within(r.tracker.Within)

	s := rpc.NewServer(h, "test", rpc.WithStreamBufferSize(1024))
	require.NoError(t, s.RegisterName("PinTracker", &trackerRPC{r.tracker}))
	require.NoError(t, s.RegisterName("IPFSConnector", &ipfsRPC{connector}))
	require.NoError(t, s.RegisterName("Cluster", &clusterRPC{}))
	client := rpc.NewClientWithServer(h, "test", s)
	for _, c := range []ipfscluster.Component{connector, r.tracker, r.consensus} {
		c.SetClient(client)
	}
	r.components = []ipfscluster.Component{r.consensus, connector, r.tracker}
	t.Cleanup(r.shutdown)
	select {
	case <-r.consensus.ReadyC():
	case <-time.After(30 * time.Second):
		require.FailNow(t, "the consensus is not ready")
	}
	require.NoError(t, r.recover())
	return r
}

func (r *rig) newCRDT(h host.Host, batch crdt.BatchingConfig) (ipfscluster.Consensus, datastore.Datastore) {
	ctx, cancel := context.WithCancel(context.Background())
	r.t.Cleanup(cancel)
	psub, err := pubsub.NewGossipSub(ctx, h)
	require.NoError(r.t, err)
	dht, err := dual.New(ctx, h)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { dht.Close() })
	r.folder = r.t.TempDir()
	store, err := pebbleds.NewDatastore(r.folder)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { store.Close() })
	cfg := crdtConfig(r.t)
	c, err := ours.New(ours.Options{
		Host: h, DHT: dht, PubSub: psub, Config: cfg, Store: r.feed.CRDT(store, datastore.NewKey(cfg.DatastoreNamespace)),
	})
	require.NoError(r.t, err)
	r.entries = ours.Entries(store, cfg.DatastoreNamespace)
	return ours.NewGrouped(c, batch, store), store
}

func crdtConfig(t testing.TB) *crdt.Config {
	cfg := &crdt.Config{}
	require.NoError(t, cfg.Default())
	return cfg
}

func (r *rig) newRaft(h host.Host, o rigOptions) ipfscluster.Consensus {
	cfg := &libraft.Config{}
	require.NoError(r.t, cfg.Default())
	if cfg.DataFolder = o.folder; o.folder == "" {
		cfg.DataFolder = r.t.TempDir()
	}
	store := r.feed.Raft(inmem.New())
	if o.slow > 0 {
		store = slowStore{store, o.slow}
	}
	c, err := raft.New(h, cfg, store, false)
	require.NoError(r.t, err)
	return c
}

func (r *rig) shutdown() {
	for _, c := range r.components {
		require.NoError(r.t, c.Shutdown(context.Background()))
	}
}

func (r *rig) recover() error {
	out := make(chan api.PinInfo, 100)
	go func() {
		for range out {
			continue
		}
	}()
	return r.tracker.RecoverAll(r.t.Context(), out)
}

func (r *rig) pin(p api.Pin) {
	r.t.Helper()
	require.NoError(r.t, r.consensus.LogPin(r.t.Context(), p))
}

func (r *rig) unpin(i int) {
	r.t.Helper()
	require.NoError(r.t, r.consensus.LogUnpin(r.t.Context(), fakes.Pin(i, "")))
}

// stored returns the name and `created` of a pin of the state, nothing when
// it is not there.
func (r *rig) stored(i int) (name, created string) {
	r.t.Helper()
	p := r.storedPin(fakes.CID(i))
	return p.Name, p.Metadata[pinset.CreatedKey]
}

// storedPin returns a pin of the state, not defined when it is not there.
func (r *rig) storedPin(c api.Cid) api.Pin {
	r.t.Helper()
	st, err := r.consensus.State(r.t.Context())
	require.NoError(r.t, err)
	p, err := pinset.Stored(r.t.Context(), st, c)
	require.NoError(r.t, err)
	return p
}

func (r *rig) status(i int) api.TrackerStatus {
	return r.tracker.Status(r.t.Context(), fakes.CID(i)).Status
}

// becomes waits for a status.
func (r *rig) becomes(i int, want api.TrackerStatus) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.status(i) == want }, time.Minute, 5*time.Millisecond)
}

// trackerRPC, ipfsRPC and clusterRPC are the library's services, as far as
// the components call them.
type trackerRPC struct{ t ipfscluster.PinTracker }

func (s *trackerRPC) Track(ctx context.Context, in api.Pin, _ *struct{}) error {
	return s.t.Track(ctx, in)
}

func (s *trackerRPC) Untrack(ctx context.Context, in api.Pin, _ *struct{}) error {
	return s.t.Untrack(ctx, in.Cid)
}

type ipfsRPC struct{ c ipfscluster.IPFSConnector }

func (s *ipfsRPC) Pin(ctx context.Context, in api.Pin, _ *struct{}) error {
	return s.c.Pin(ctx, in)
}

func (s *ipfsRPC) Unpin(ctx context.Context, in api.Pin, _ *struct{}) error {
	return s.c.Unpin(ctx, in.Cid)
}

func (s *ipfsRPC) PinLsCid(ctx context.Context, in api.Pin, out *api.IPFSPinStatus) (err error) {
	*out, err = s.c.PinLsCid(ctx, in)
	return err
}

func (s *ipfsRPC) PinLs(ctx context.Context, in <-chan []string, out chan<- api.IPFSPinInfo) error {
	return s.c.PinLs(ctx, <-in, out)
}

type clusterRPC struct{}

func (*clusterRPC) IPFSID(_ context.Context, _ peer.ID, out *api.IPFSID) error {
	*out = api.IPFSID{ID: fakes.Other}
	return nil
}

// slowStore is a datastore whose writes take their time.
type slowStore struct {
	datastore.Datastore
	each time.Duration
}

func (s slowStore) Put(ctx context.Context, key datastore.Key, value []byte) error {
	time.Sleep(s.each)
	return s.Datastore.Put(ctx, key, value)
}

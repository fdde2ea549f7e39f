package pinsvcapi

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs-cluster/ipfs-cluster/state/dsstate"
	"github.com/ipfs/go-cid"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// fakeProtocol names the RPC of fake peers.
const fakeProtocol = "/pinsvc-test/rpc"

// rpcFake is a cluster whose peers exist as gorpc services alone, which is all
// that the adapter sees of one. They share one state, the library's own. The
// first peer is the one that the API belongs to.
type rpcFake struct {
	client *rpc.Client
	peers  []*rpcPeer
	ended  chan struct{}

	mu       sync.Mutex
	state    *dsstate.State
	members  []peer.ID
	follower bool
	pinFails error
	lag      int      // looks into the state that come before a write shows
	pending  []func() // writes that do not show yet
	sent     []api.Pin
	unpinned []api.Cid
}

// rpcPeer is one of the peers. Its tracker holds operations; a pin without one
// is pinned.
type rpcPeer struct {
	cluster *rpcFake
	id      peer.ID
	name    string

	mu       sync.Mutex
	ops      map[cid.Cid]api.PinInfo
	refuses  error // what it answers to other peers, if anything
	frozen   bool  // it does not answer at all
	unsure   bool  // it has not compared its pins with its IPFS node yet
	ipfsDown bool
	ipfs     api.IPFSID
	asked    map[string]int // how often, by method
}

// newRPCFake returns a cluster of n peers that have nothing pinned.
func newRPCFake(t *testing.T, n int) *rpcFake {
	t.Helper()
	net, err := mocknet.FullMeshConnected(n)
	require.NoError(t, err)
	f := &rpcFake{ended: make(chan struct{})}
	t.Cleanup(func() {
		close(f.ended)
		require.NoError(t, net.Close())
	})
	for i, h := range net.Hosts() {
		p := &rpcPeer{cluster: f, id: h.ID(), name: "peer" + string(rune('1'+i))}
		server := rpc.NewServer(h, fakeProtocol, rpc.WithStreamBufferSize(1024))
		for name, service := range map[string]any{
			"Cluster": &rpcClusterService{p}, "PinTracker": &rpcTracker{p}, "Consensus": &rpcConsensus{p},
		} {
			require.NoError(t, server.RegisterName(name, service))
		}
		if i == 0 {
			f.client = newFakeClient(h, server)
		}
		f.peers = append(f.peers, p)
	}
	f.reset(t)
	return f
}

func newFakeClient(h host.Host, s *rpc.Server) *rpc.Client {
	return rpc.NewClientWithServer(h, fakeProtocol, s, rpc.WithMultiStreamBufferSize(1024))
}

// reset makes the cluster healthy and empty.
func (f *rpcFake) reset(t tester) {
	t.Helper()
	state, err := dsstate.New(context.Background(), inmem.New(), "", dsstate.DefaultHandle())
	require.NoError(t, err)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state, f.members = state, nil
	f.follower, f.pinFails, f.lag, f.pending, f.sent, f.unpinned = false, nil, 0, nil, nil, nil
	for _, p := range f.peers {
		f.members = append(f.members, p.id)
		p.set(func() {
			p.ops, p.asked = make(map[cid.Cid]api.PinInfo), make(map[string]int)
			p.refuses, p.frozen, p.unsure, p.ipfsDown = nil, false, false, false
			p.ipfs = api.IPFSID{ID: p.id, Addresses: []api.Multiaddr{
				api.NewMultiaddrWithValue(multiaddr.StringCast("/ip4/203.0.113.7/tcp/4001")),
			}}
		})
	}
}

// newAPI returns the handler on the real adapter, as if its peer had been
// started a while ago.
func (f *rpcFake) newAPI(t tester) *testAPI {
	t.Helper()
	return f.newAPIBehind(t, func(s pinset.Source) pinset.Cluster { return s })
}

// newAPIBehind puts something before the adapter.
func (f *rpcFake) newAPIBehind(t tester, before func(pinset.Source) pinset.Cluster) *testAPI {
	t.Helper()
	a, err := New(DefaultConfig(), WithView(func(s pinset.Source) pinset.Cluster {
		s.(*rpcCluster).clock = pinset.ClockOf(time.Now, func(time.Duration) {})
		return before(s)
	}))
	require.NoError(t, err)
	a.SetClient(f.client)
	return &testAPI{t: t, handler: a}
}

func (f *rpcFake) adapter(a *API) *rpcCluster { return a.service.cluster.(*rpcCluster) }

// store puts pins into the state as they are.
func (f *rpcFake) store(t tester, pins ...api.Pin) {
	t.Helper()
	for _, p := range pins {
		require.NoError(t, f.state.Add(context.Background(), p))
	}
}

// stored returns a pin of the state.
func (f *rpcFake) stored(t tester, c cid.Cid) api.Pin {
	t.Helper()
	p, err := f.state.Get(context.Background(), api.NewCid(c))
	require.NoError(t, err)
	return p
}

// set changes a peer's fields.
func (p *rpcPeer) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// says lets a peer's tracker have an operation for a pin.
func (p *rpcPeer) says(c cid.Cid, s api.TrackerStatus) {
	p.set(func() {
		p.ops[c] = api.PinInfo{Cid: api.NewCid(c), Peer: p.id, PinInfoShort: api.PinInfoShort{PeerName: p.name, Status: s}}
	})
}

func (p *rpcPeer) count(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[method]
}

// meet begins every answer of a peer: it may be frozen, or refuse.
func (p *rpcPeer) meet(ctx context.Context, method string) error {
	p.mu.Lock()
	p.asked[method]++
	frozen, refuses := p.frozen, p.refuses
	p.mu.Unlock()
	if frozen {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.cluster.ended:
			return errors.New("the test is over")
		}
	}
	return refuses
}

// rpcClusterService is the service "Cluster".
type rpcClusterService struct{ peer *rpcPeer }

func (s *rpcClusterService) PinGet(ctx context.Context, in api.Cid, out *api.Pin) (err error) {
	f := s.peer.cluster
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.pending) > 0 {
		if f.lag--; f.lag <= 0 {
			for _, write := range f.pending {
				write()
			}
			f.pending = nil
		}
	}
	*out, err = f.state.Get(ctx, in)
	return err
}

func (s *rpcClusterService) Pins(ctx context.Context, _ <-chan struct{}, out chan<- api.Pin) error {
	return s.peer.cluster.state.List(ctx, out)
}

// Pin does what a peer does, as far as the adapter depends on it.
func (s *rpcClusterService) Pin(ctx context.Context, in api.Pin, out *api.Pin) error {
	f := s.peer.cluster
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, in)
	switch {
	case f.follower:
		return errors.New("this peer is configured to be in follower mode. Write operations are disabled")
	case f.pinFails != nil:
		return f.pinFails
	case !in.ExpireAt.IsZero() && in.ExpireAt.Before(time.Now()):
		return errors.New("pin.ExpireAt set before current time")
	}
	before, err := f.state.Get(ctx, in.Cid)
	if err == nil && before.Type != in.Type {
		return errors.New("cannot repin CID with different tracking method, clear state with pin rm to proceed. New: x. Was: y")
	}
	if in.ReplicationFactorMin == 0 {
		in.ReplicationFactorMin = -1
	}
	if in.ReplicationFactorMax == 0 {
		in.ReplicationFactorMax = -1
	}
	in.Timestamp = time.Now()
	switch {
	case in.Type == api.MetaType && (in.Reference == nil || len(in.Allocations) > 0):
		return errors.New("not a root of a sharded add")
	case in.Type == api.DataType && in.Reference != nil:
		return errors.New("data pins should not reference other pins")
	case in.Type == api.DataType && in.ReplicationFactorMin > 0:
		if len(f.members) < in.ReplicationFactorMin {
			return errors.New("not enough peers to allocate CID. Needed at least: 2. Wanted at most: 2. Available candidates: 1")
		}
		if in.Allocations = before.Allocations; len(in.Allocations) == 0 {
			in.Allocations = slices.Clone(f.members[:in.ReplicationFactorMin])
		}
	}
	*out = in
	return f.write(func() error { return f.state.Add(context.Background(), in) })
}

func (s *rpcClusterService) Unpin(ctx context.Context, in api.Pin, out *api.Pin) (err error) {
	f := s.peer.cluster
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.follower {
		return errors.New("this peer is configured to be in follower mode. Write operations are disabled")
	}
	if *out, err = f.state.Get(ctx, in.Cid); err != nil {
		return err
	}
	f.unpinned = append(f.unpinned, in.Cid)
	return f.write(func() error { return f.state.Rm(context.Background(), in.Cid) })
}

// write happens at once, or, like in a peer that batches, a little later.
func (f *rpcFake) write(do func() error) error {
	if f.lag == 0 {
		return do()
	}
	f.pending = append(f.pending, func() { _ = do() })
	return nil
}

func (s *rpcClusterService) ID(ctx context.Context, _ struct{}, out *api.ID) error {
	if err := s.peer.meet(ctx, "ID"); err != nil {
		return err
	}
	s.peer.mu.Lock()
	defer s.peer.mu.Unlock()
	*out = api.ID{ID: s.peer.id, Peername: s.peer.name, IPFS: s.peer.ipfs}
	return nil
}

// rpcConsensus is the service "Consensus".
type rpcConsensus struct{ peer *rpcPeer }

func (s *rpcConsensus) Peers(_ context.Context, _ struct{}, out *[]peer.ID) error {
	f := s.peer.cluster
	f.mu.Lock()
	defer f.mu.Unlock()
	*out = slices.Clone(f.members)
	return nil
}

// rpcTracker is the service "PinTracker".
type rpcTracker struct{ peer *rpcPeer }

func (s *rpcTracker) Status(ctx context.Context, in api.Cid, out *api.PinInfo) error {
	if err := s.peer.meet(ctx, "Status"); err != nil {
		return err
	}
	s.peer.mu.Lock()
	defer s.peer.mu.Unlock()
	if op, ok := s.peer.ops[in.Cid]; ok {
		*out = op
		return nil
	}
	*out = api.PinInfo{Cid: in, Peer: s.peer.id, PinInfoShort: api.PinInfoShort{PeerName: s.peer.name}}
	stored, err := s.peer.cluster.state.Get(ctx, in)
	switch {
	case err != nil:
		out.Status = api.TrackerStatusUnpinned
	case stored.Type == api.MetaType:
		out.Status = api.TrackerStatusSharded
	case stored.IsRemotePin(s.peer.id):
		out.Status = api.TrackerStatusRemote
	case s.peer.ipfsDown:
		out.Status, out.Error = api.TrackerStatusClusterError, "dial tcp 127.0.0.1:5001: connection refused"
	default:
		out.Status = api.TrackerStatusPinned
	}
	return nil
}

// StatusAll serves what is in a tracker's memory. It refuses the filter that
// makes a real tracker list its IPFS node's pins.
func (s *rpcTracker) StatusAll(ctx context.Context, in <-chan api.TrackerStatus, out chan<- api.PinInfo) error {
	defer close(out)
	if err := s.peer.meet(ctx, "StatusAll"); err != nil {
		return err
	}
	filter := <-in
	if filter.Match(api.TrackerStatusPinned | api.TrackerStatusUnexpectedlyUnpinned | api.TrackerStatusSharded | api.TrackerStatusRemote) {
		return errors.New("this filter is expensive")
	}
	s.peer.mu.Lock()
	var infos []api.PinInfo
	for _, op := range s.peer.ops {
		if op.Status.Match(filter) {
			infos = append(infos, op)
		}
	}
	unsure := s.peer.unsure
	s.peer.mu.Unlock()
	for _, info := range infos {
		select {
		case out <- info:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if unsure {
		return pinset.ErrNotCompared
	}
	return nil
}

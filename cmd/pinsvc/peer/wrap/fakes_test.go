package wrap

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs-cluster/ipfs-cluster/test"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

var (
	self  = test.PeerID1
	other = test.PeerID2
)

// inBubble runs a subtest on a clock of its own, which jumps when everything
// waits.
func inBubble(t *testing.T, name string, f func(*testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// testCID returns one of as many CIDs as a test needs.
func testCID(i int) api.Cid {
	mh, err := multihash.Sum(fmt.Append(nil, "content ", i), multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return api.NewCid(cid.NewCidV1(cid.Raw, mh))
}

// testPin returns a pin that every peer has to pin.
func testPin(i int, name string) api.Pin {
	return api.PinWithOpts(testCID(i), api.PinOptions{
		Name: name, ReplicationFactorMin: -1, ReplicationFactorMax: -1,
	})
}

// remotePin returns a pin that another peer has to pin.
func remotePin(i int) api.Pin {
	pin := testPin(i, "remote")
	pin.ReplicationFactorMin, pin.ReplicationFactorMax = 1, 1
	pin.Allocations = []peer.ID{other}
	return pin
}

// fakeState is a state in memory. As the real one, it stores whole seconds.
type fakeState struct {
	mu   sync.Mutex
	pins map[api.Cid]api.Pin
	fail error
}

func newFakeState(pins ...api.Pin) *fakeState {
	s := &fakeState{pins: make(map[api.Cid]api.Pin)}
	for _, p := range pins {
		s.put(p)
	}
	return s
}

func (s *fakeState) state(context.Context) (state.ReadOnly, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s, s.fail
}

// asStored returns a pin as it comes back from a real state.
func asStored(p api.Pin) api.Pin {
	b, err := p.ProtoMarshal()
	if err != nil {
		panic(err)
	}
	var stored api.Pin
	if err := stored.ProtoUnmarshal(b); err != nil {
		panic(err)
	}
	return stored
}

func (s *fakeState) put(p api.Pin) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pins[p.Cid] = asStored(p)
}

func (s *fakeState) rm(c api.Cid) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pins, c)
}

func (s *fakeState) Get(_ context.Context, c api.Cid) (api.Pin, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.pins[c]; ok {
		return p, nil
	}
	return api.Pin{}, state.ErrNotFound
}

func (s *fakeState) Has(ctx context.Context, c api.Cid) (bool, error) {
	_, err := s.Get(ctx, c)
	return err == nil, nil
}

func (s *fakeState) List(_ context.Context, out chan<- api.Pin) error {
	defer close(out)
	s.mu.Lock()
	pins := slices.Collect(maps.Values(s.pins))
	s.mu.Unlock()
	for _, p := range pins {
		out <- p
	}
	return nil
}

// fakeConsensus applies writes to a fakeState. It returns from one when it is
// applied, as CRDT does, or at once, as a Raft follower does whose state lags.
type fakeConsensus struct {
	ipfscluster.Consensus // what is not faked panics

	*fakeState
	readyC chan struct{}
	lags   bool
	delay  time.Duration             // negative: never applied
	before func(ctx context.Context) // called at the start of each write
	apply  func(func())              // how a write is applied, when set

	refuse error // what a write ends with, when set

	observe func(pinset.Change) // is called after each change of the state

	writes    atomic.Int32
	connected atomic.Bool
	stopped   atomic.Bool
}

func newFakeConsensus(pins ...api.Pin) *fakeConsensus {
	f := &fakeConsensus{fakeState: newFakeState(pins...), readyC: make(chan struct{}, 1)}
	f.readyC <- struct{}{}
	return f
}

func (f *fakeConsensus) Ready(context.Context) <-chan struct{} { return f.readyC }

func (f *fakeConsensus) SetClient(*rpc.Client) { f.connected.Store(true) }

func (f *fakeConsensus) Shutdown(context.Context) error {
	f.stopped.Store(true)
	return nil
}

func (f *fakeConsensus) State(ctx context.Context) (state.ReadOnly, error) { return f.state(ctx) }

func (f *fakeConsensus) LogPin(ctx context.Context, p api.Pin) error {
	return f.log(ctx, func() { f.commit(p.Cid, func() { f.put(p) }) })
}

func (f *fakeConsensus) LogUnpin(ctx context.Context, p api.Pin) error {
	return f.log(ctx, func() { f.commit(p.Cid, func() { f.rm(p.Cid) }) })
}

// commit changes the state and has that observed.
func (f *fakeConsensus) commit(c api.Cid, do func()) {
	change := f.changed(c, do)
	if f.observe != nil {
		f.observe(change)
	}
}

// changed does something to a CID of the state and returns what it was.
func (s *fakeState) changed(c api.Cid, do func()) pinset.Change {
	existed, _ := s.Has(context.Background(), c)
	do()
	pin, _ := s.Get(context.Background(), c)
	return pinset.Change{CID: c, Pin: pin, Existed: existed}
}

func (f *fakeConsensus) log(ctx context.Context, do func()) error {
	f.writes.Add(1)
	if f.before != nil {
		f.before(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case f.refuse != nil:
		return f.refuse
	case f.apply != nil:
		f.apply(do)
	case f.delay == 0:
		do()
	case f.delay > 0 && f.lags:
		time.AfterFunc(f.delay, do)
	case f.delay > 0:
		time.Sleep(f.delay)
		do()
	}
	return nil
}

// syncCounter is a datastore that counts its syncs.
type syncCounter struct {
	datastore.Datastore
	syncs atomic.Int32
	check func() // called by each sync
	fail  error
}

func (s *syncCounter) Sync(context.Context, datastore.Key) error {
	s.syncs.Add(1)
	if s.check != nil {
		s.check()
	}
	return s.fail
}

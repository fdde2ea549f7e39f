package consensus

import (
	"context"
	"sync/atomic"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs/go-datastore"
	rpc "github.com/libp2p/go-libp2p-gorpc"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

type memory = fakes.State

// fakeConsensus applies writes to a state in memory. It returns from one when it is
// applied, as CRDT does, or at once, as a Raft follower does whose state lags.
type fakeConsensus struct {
	ipfscluster.Consensus // what is not faked panics

	*memory
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
	f := &fakeConsensus{memory: fakes.NewState(pins...), readyC: make(chan struct{}, 1)}
	f.readyC <- struct{}{}
	return f
}

func (f *fakeConsensus) Ready(context.Context) <-chan struct{} { return f.readyC }

func (f *fakeConsensus) SetClient(*rpc.Client) { f.connected.Store(true) }

func (f *fakeConsensus) Shutdown(context.Context) error {
	f.stopped.Store(true)
	return nil
}

func (f *fakeConsensus) State(ctx context.Context) (state.ReadOnly, error) { return f.Local(ctx) }

func (f *fakeConsensus) LogPin(ctx context.Context, p api.Pin) error {
	return f.log(ctx, func() { f.commit(p.Cid, func() { f.Put(p) }) })
}

func (f *fakeConsensus) LogUnpin(ctx context.Context, p api.Pin) error {
	return f.log(ctx, func() { f.commit(p.Cid, func() { f.Rm(p.Cid) }) })
}

// commit changes the state and has that observed.
func (f *fakeConsensus) commit(c api.Cid, do func()) {
	change := f.Changed(c, do)
	if f.observe != nil {
		f.observe(change)
	}
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

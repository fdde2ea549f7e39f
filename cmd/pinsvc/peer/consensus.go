package peer

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/ipfs/go-datastore"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/multiformats/go-multiaddr"
)

// patience is how long the library waits for its consensus before it shuts
// the cluster down by itself. That shutdown waits for the goroutine it runs in
// and never ends, so the peer keeps the time itself (readyTimeout).
const patience = 365 * 24 * time.Hour

// readyTimeout is how long a peer of this consensus may take to start; zero
// means without end. Raft is not ready without a leader. CRDT needs nobody,
// but may have a migration of its datastore to do.
func (s *Settings) readyTimeout(consensus string) time.Duration {
	if consensus == "raft" {
		return s.Raft.WaitForLeaderTimeout + 5*time.Second
	}
	return 0
}

// newConsensus returns the library's component, not wrapped yet.
func (s *Settings) newConsensus(name string, n *network, store datastore.Datastore, staging bool) (ipfscluster.Consensus, error) {
	// Only written when it differs: other peers of this process read it.
	if ipfscluster.ReadyTimeout != patience {
		ipfscluster.ReadyTimeout = patience
	}
	var c ipfscluster.Consensus
	var err error
	if name == "raft" {
		c, err = raft.NewConsensus(n.host, s.Raft, store, staging)
	} else {
		var inner *crdt.Consensus
		inner, err = crdt.New(n.host, n.dht, n.pubsub, s.Crdt, store)
		c = &batched{Consensus: inner, age: s.Crdt.Batching.MaxBatchAge}
	}
	if err != nil {
		return nil, fmt.Errorf("consensus.%s: %w", name, err)
	}
	return c, nil
}

// prepareBootstrap readies the consensus for joining other peers: Raft gives
// up its own history and waits to be voted in, CRDT trusts whom it joins.
func (s *Settings) prepareBootstrap(consensus string, addrs []multiaddr.Multiaddr) error {
	if len(addrs) == 0 {
		return nil
	}
	if consensus == "raft" {
		if err := raft.CleanupRaft(s.Raft); err != nil {
			return fmt.Errorf("removing the old Raft state: %w", err)
		}
		return nil
	}
	s.Crdt.TrustedPeers = append(s.Crdt.TrustedPeers, ipfscluster.PeersFromMultiaddrs(addrs)...)
	return nil
}

// The library's worker that commits batches panics when it is told to stop
// while it is not idle: it takes the queue that was closed for an item. It is
// idle settle after its last batch, and has begun when there is a state.
const (
	settle = 500 * time.Millisecond
	begun  = 10 * time.Second
)

// batched is the library's CRDT consensus with an end that is safe.
type batched struct {
	*crdt.Consensus
	age     time.Duration // of a batch; zero: there are none
	started atomic.Bool   // SetClient was called
}

// SetClient implements ipfscluster.Component.
func (b *batched) SetClient(c *rpc.Client) {
	b.started.Store(true)
	b.Consensus.SetClient(c)
}

// Shutdown waits until the worker is idle, then stops the component. Nothing
// must be written any more.
func (b *batched) Shutdown(ctx context.Context) error {
	if b.age > 0 && b.started.Load() {
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), begun)
		defer cancel()
		if _, err := b.State(limit); err == nil {
			time.Sleep(b.age + settle)
		}
	}
	return b.Consensus.Shutdown(ctx)
}

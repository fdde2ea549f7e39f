package raft

import (
	"context"
	"fmt"
	"sync"

	hraft "github.com/hashicorp/raft"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/ipfs-cluster/ipfs-cluster/state/dsstate"
	"github.com/ipfs/go-datastore"
	consensus "github.com/libp2p/go-libp2p-consensus"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	libp2praft "github.com/libp2p/go-libp2p-raft"
	"github.com/libp2p/go-libp2p/core/host"

	"github.com/ipfs-cluster/pinsvc/internal/hidden"
)

// Raft is the library's Raft consensus with four corrections. New makes them from outside,
// by replacing the state of the library's component (raftState) and its RPC client:
//
//   - The library decodes each log entry into the same value. Empty fields are not
//     encoded, so a pin without a name, an expiry, origins or metadata got those of the
//     entry before it.
//   - The library adds a snapshot of another peer to the state, so that pins which were
//     removed meanwhile stayed.
//   - An entry that was applied before SetClient ended the process.
//   - A follower was never ready while other peers wrote (see Ready).
type Raft struct {
	*raft.Consensus

	self     string      // this peer's ID
	applying *sync.Mutex // locked by the library while the state changes
	state    *raftState
	log      *hraft.Raft     // the library's own
	ready    chan struct{}   // closed when the peer has caught up
	life     context.Context // ends with Shutdown
	end      context.CancelFunc
	work     sync.WaitGroup
}

// New makes a Raft consensus. Its parameters are those of the library's
// raft.NewConsensus. It fails when this version of the library cannot be corrected.
func New(h host.Host, cfg *raft.Config, store datastore.Datastore, staging bool) (*Raft, error) {
	inner, err := raft.NewConsensus(h, cfg, store, staging)
	if err != nil {
		return nil, err
	}
	r := &Raft{Consensus: inner, self: h.ID().String(), ready: make(chan struct{})}
	r.life, r.end = context.WithCancel(context.Background())
	if err := r.correct(store, datastore.NewKey(cfg.DatastoreNamespace)); err != nil {
		_ = inner.Shutdown(context.Background())
		return nil, fmt.Errorf("this version of Raft cannot be corrected: %w", err)
	}
	return r, nil
}

// correct replaces the state by a raftState, and the missing RPC client by one whose
// calls fail.
func (r *Raft) correct(store datastore.Datastore, namespace datastore.Key) error {
	opLog, err := hidden.Field[consensus.OpLogConsensus](r.Consensus, "consensus")
	if err != nil {
		return err
	}
	op, err := hidden.Field[*raft.LogOp](r.Consensus, "baseOp")
	if err != nil {
		return err
	}
	client, err := hidden.Field[*rpc.Client](r.Consensus, "rpcClient")
	if err != nil {
		return err
	}
	inner, ok := (*opLog).(*libp2praft.Consensus)
	if !ok {
		return fmt.Errorf("its log is a %T", *opLog)
	}
	log, err := hidden.Field[*hraft.Raft](r.Consensus, "raft", "raft")
	if err != nil {
		return err
	}
	r.log = *log
	if r.applying, err = hidden.Field[sync.Mutex](inner.FSM(), "mux"); err != nil {
		return err
	}
	current, err := hidden.Field[consensus.State](inner.FSM(), "state")
	if err != nil {
		return err
	}
	r.applying.Lock()
	defer r.applying.Unlock()
	original, ok := (*current).(*dsstate.State)
	if !ok {
		return fmt.Errorf("its state is a %T", *current)
	}
	r.state = &raftState{State: original, store: store, namespace: namespace, op: *op}
	*current = r.state
	*client = rpc.NewClient(nil, "")
	return nil
}

// SetClient implements ipfscluster.Component.
func (r *Raft) SetClient(client *rpc.Client) {
	r.applying.Lock()
	defer r.applying.Unlock()
	r.Consensus.SetClient(client)
	r.work.Go(r.catchUp)
}

// Shutdown implements ipfscluster.Component.
func (r *Raft) Shutdown(ctx context.Context) error {
	r.end()
	r.work.Wait()
	return r.Consensus.Shutdown(ctx)
}

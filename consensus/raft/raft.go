package raft

import (
	"context"
	"fmt"
	"sync"

	hraft "github.com/hashicorp/raft"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/ipfs-cluster/ipfs-cluster/state/dsstate"
	"github.com/ipfs/go-datastore"
	logging "github.com/ipfs/go-log/v2"
	consensus "github.com/libp2p/go-libp2p-consensus"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	libp2praft "github.com/libp2p/go-libp2p-raft"
	"github.com/libp2p/go-libp2p/core/host"

	"github.com/ipfs-cluster/pinsvc/internal/hidden"
)

// Raft is the library's Raft consensus with corrections, made from outside by
// giving it another state (raftState) soon after it was made:
//
//   - An entry of its log is decoded over the one before. An entry does not have
//     what is empty, so a pin without a name, an expiry, origins or metadata got
//     those of another.
//   - A snapshot of another peer was added to the state, so that pins which were
//     removed while this peer was away stayed.
//   - An entry that came before SetClient ended the process.
//   - A follower was never ready while others wrote (caughtUp).
type Raft struct {
	*raft.Consensus

	self     string      // this peer's ID
	applying *sync.Mutex // held by the library while the state changes
	state    *raftState
	log      *hraft.Raft     // the library's own
	ready    chan struct{}   // closed when the state is that of the others
	life     context.Context // ends with Shutdown
	end      context.CancelFunc
	telling  sync.WaitGroup
}

// New makes a Raft consensus. Its parameters are those of
// raft.NewConsensus.
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

// correct replaces the state by ours, and the missing client by one that
// refuses.
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
	r.telling.Go(r.catchUp)
}

// Shutdown implements ipfscluster.Component.
func (r *Raft) Shutdown(ctx context.Context) error {
	r.end()
	r.telling.Wait()
	return r.Consensus.Shutdown(ctx)
}

var logger = logging.Logger("pinsvc")

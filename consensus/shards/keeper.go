package shards

import (
	"context"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	logging "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

var logger = logging.Logger("pinsvc")

// Options are all needed, but for the durations, whose zero values mean the
// constants below.
type Options struct {
	Peer peer.ID // this peer
	// State returns the local state.
	State func(context.Context) (state.ReadOnly, error)
	// Block returns the data of a block of the IPFS node.
	Block func(context.Context, api.Cid) ([]byte, error)
	// Members returns the peers of the cluster.
	Members func(context.Context) ([]peer.ID, error)
	// Pin stores a pin in the cluster, with allocations that the cluster chooses.
	Pin func(context.Context, api.Pin) error
	// Unpin removes a part from the state, unless Needed says that it is needed.
	Unpin func(context.Context, api.Pin) error

	// Follower tells that this peer does not write by itself (cluster.follower_mode).
	Follower bool

	// OrphanAge is how long a part must have been without a root before it is
	// removed.
	OrphanAge time.Duration
	// RepairStep is how much later each further peer pins missing parts again.
	RepairStep time.Duration
}

const (
	// orphanAge is long enough for a peer that receives the pinset of others.
	orphanAge = 15 * time.Minute
	// repairStep is long enough for a write of one peer to arrive at the others.
	repairStep = 10 * time.Second
	// readTimeout bounds the reading of one block of a cluster DAG.
	readTimeout = 10 * time.Second
	// parallel is how many parts are written at a time.
	parallel = 16
)

// Keeper keeps the parts of sharded adds together. Its methods can be called
// concurrently. Checks and repairs run from Start to Close.
type Keeper struct {
	options Options

	scanning sync.Mutex // held while the whole state is read

	mu       sync.Mutex // guards what follows, to sweeping
	index    index
	adds     map[string]*add      // under way in this peer, by their ID
	due      map[api.Cid]dueCheck // roots to be checked
	scanned  bool                 // the index has seen the whole state once
	sweeping bool                 // a sweep is under way

	wake     chan struct{} // has a value when due has changed
	ctx      context.Context
	cancel   context.CancelFunc
	starting sync.Mutex
	running  sync.WaitGroup
}

// New returns a Keeper that knows nothing yet.
func New(o Options) *Keeper {
	if o.OrphanAge == 0 {
		o.OrphanAge = orphanAge
	}
	if o.RepairStep == 0 {
		o.RepairStep = repairStep
	}
	k := &Keeper{
		options: o,
		index:   newIndex(),
		adds:    make(map[string]*add),
		due:     make(map[api.Cid]dueCheck),
		wake:    make(chan struct{}, 1),
	}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	return k
}

// Start begins the checks of roots when ready is closed.
func (k *Keeper) Start(ready <-chan struct{}) {
	k.goes(func() {
		select {
		case <-ready:
			k.work()
		case <-k.ctx.Done():
		}
	})
}

// Close ends all work and waits for it.
func (k *Keeper) Close() {
	k.starting.Lock()
	k.cancel()
	k.starting.Unlock()
	k.running.Wait()
}

// goes runs f beside the caller. After Close it does nothing.
func (k *Keeper) goes(f func()) {
	k.starting.Lock()
	defer k.starting.Unlock()
	if k.ctx.Err() == nil {
		k.running.Go(f)
	}
}

// IsPart tells whether a pin is an inner part of a sharded add.
func IsPart(p api.Pin) bool {
	return p.Defined() && (p.Type == api.ShardType || p.Type == api.ClusterDAGType)
}

// isRoot tells whether a pin is the root of a sharded add.
func isRoot(p api.Pin) bool {
	return p.Defined() && p.Type == api.MetaType && p.Reference != nil
}

// stored returns what the state has for a CID, a pin that is not defined when
// there is none.
func (k *Keeper) stored(ctx context.Context, c api.Cid) (api.Pin, error) {
	st, err := k.options.State(ctx)
	if err != nil {
		return api.Pin{}, err
	}
	return pinset.Stored(ctx, st, c)
}

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

// Options are the surroundings of a Keeper. All are required except the durations, whose
// zero values stand for the constants below.
type Options struct {
	Peer peer.ID // this peer
	// State returns the local state.
	State func(context.Context) (state.ReadOnly, error)
	// Block returns the data of a block of the IPFS node.
	Block func(context.Context, api.Cid) ([]byte, error)
	// Members returns the peers of the cluster.
	Members func(context.Context) ([]peer.ID, error)
	// Pin stores a pin in the cluster, with allocations that the cluster chooses. It is
	// called by one peer at a time for each part, see RepairStep.
	Pin func(context.Context, api.Pin) error
	// Unpin removes a part from the state, unless Needed reports that it is needed. The
	// part is locked meanwhile, so that no concurrent add can claim it.
	Unpin func(context.Context, api.Pin) error

	// Follower says that this peer makes no writes of its own (cluster.follower_mode).
	Follower bool

	// OrphanAge is how long a part must have been without a root before it is
	// removed.
	OrphanAge time.Duration
	// RepairStep is how much later each further peer pins missing parts again.
	RepairStep time.Duration
}

const (
	// orphanAge is longer than a new peer needs to receive the pinset: until then, roots
	// may be missing.
	orphanAge = 15 * time.Minute
	// repairStep is longer than a write needs to arrive at the other peers.
	repairStep = 10 * time.Second
	// readTimeout bounds the reading of one block of a cluster DAG.
	readTimeout = 10 * time.Second
	// parallel bounds concurrent writes of parts, and concurrent checks.
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

// New returns a Keeper with an empty index, which Seeing and Observe fill.
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
	k.spawn(func() {
		select {
		case <-ready:
			k.work()
		case <-k.ctx.Done():
		}
	})
}

// Close ends all work and waits for it.
func (k *Keeper) Close() {
	// Under the lock, so that no Go comes after Wait.
	k.starting.Lock()
	k.cancel()
	k.starting.Unlock()
	k.running.Wait()
}

// spawn runs f in a goroutine that Close joins. After Close it does nothing.
func (k *Keeper) spawn(f func()) {
	k.starting.Lock()
	defer k.starting.Unlock()
	if k.ctx.Err() == nil {
		k.running.Go(f)
	}
}

// IsPart reports whether a pin is a shard or a cluster DAG.
func IsPart(p api.Pin) bool {
	return p.Defined() && (p.Type == api.ShardType || p.Type == api.ClusterDAGType)
}

// isRoot reports whether a pin is the root of a sharded add.
func isRoot(p api.Pin) bool {
	return p.Defined() && p.Type == api.MetaType && p.Reference != nil
}

// stored returns the pin of a CID in the state, not defined when there is none.
func (k *Keeper) stored(ctx context.Context, c api.Cid) (api.Pin, error) {
	st, err := k.options.State(ctx)
	if err != nil {
		return api.Pin{}, err
	}
	return pinset.Stored(ctx, st, c)
}

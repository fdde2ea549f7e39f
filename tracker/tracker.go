package tracker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs/go-cid"
	logging "github.com/ipfs/go-log/v2"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/consensus/shards"
	"github.com/ipfs-cluster/pinsvc/internal/fifo"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// workers reconcile queued CIDs. They never wait for the IPFS node.
	workers = 4
	// lookupWorkers look up pins of this peer at the IPFS node, and
	// remoteLookupWorkers pins that are allocated to other peers only.
	lookupWorkers       = 16
	remoteLookupWorkers = 4
)

// InnerTracker is the part of the library's stateless tracker that a Tracker uses.
type InnerTracker interface {
	ipfscluster.PinTracker
	// OpContext returns the context of the CID's operation, which ends with
	// it, or nil when there is none.
	OpContext(context.Context, api.Cid) context.Context
}

// Checker verifies the blocks of pins against their hashes in the background. Its methods
// do not block. An embedded.Node implements it.
type Checker interface {
	Check(cid.Cid)
	CheckAll()
}

// Options are all needed, but for Entries, Verified, Shards, Progress and Checker.
type Options struct {
	Peer     peer.ID // this peer
	Peername string  // its name in the cluster
	// State returns the local state.
	State func(context.Context) (state.ReadOnly, error)
	// Entries, if set, is a quicker way through the state than its List.
	Entries pinset.Entries
	// IPFS is this peer's connector, wrapped.
	IPFS NodePins
	// Verified is Connector.Verified, for QuickStatus.
	Verified func(api.Cid) (api.IPFSPinStatus, bool)
	// Shards, if set, knows the parts of sharded adds.
	Shards *shards.Keeper
	// Places bound the fetches that are under way.
	Places PlaceOptions
	// Progress tells how many blocks and bytes of a pin that is being fetched
	// are here; ok is false when it is not. It must not wait.
	Progress func(cid.Cid) (blocks, bytes uint64, ok bool)
	// Origins is told of the newest origins of a pin whose operation is under
	// way, and goes on with older ones. It must not wait. It may be nil.
	Origins func(api.Pin)
	// Checker checks pins that are pinned when somebody sends them again or has
	// them recovered.
	Checker Checker
}

// Tracker wraps the library's stateless tracker. It observes every change of the
// state, and the state decides what is done, not the order or the number of the
// changes. An update of a pin that IPFS already has does not queue it again.
type Tracker struct {
	InnerTracker

	options Options
	queue   *queue
	near    *fifo.Queue[lookup] // of pins allocated to this peer
	far     *fifo.Queue[lookup] // of pins allocated to others only
	sweeps  *sweeps             // full reconciles: all pins against the IPFS node
	recent  recent              // CIDs that were reconciled a short time ago
	places  *places             // which pins are fetched

	ctx     context.Context // ends with Shutdown
	cancel  context.CancelFunc
	running sync.WaitGroup

	client atomic.Pointer[rpc.Client]

	mu       sync.Mutex
	watched  map[api.Cid]struct{} // operations whose end is waited for
	started  bool
	stopping bool
}

// New wraps a tracker that nobody uses yet. It works from SetClient on.
func New(inner InnerTracker, o Options) *Tracker {
	t := &Tracker{
		InnerTracker: inner,
		options:      o,
		queue:        newQueue(),
		near:         fifo.New[lookup](),
		far:          fifo.New[lookup](),
		watched:      make(map[api.Cid]struct{}),
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.sweeps = newSweeps(t.ctx, t.compare)
	t.places = newPlaces(t.ctx, t.queue, o)
	return t
}

// SetClient implements ipfscluster.Component and starts the work.
func (t *Tracker) SetClient(client *rpc.Client) {
	t.client.Store(client)
	t.InnerTracker.SetClient(client)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.started || t.stopping {
		return
	}
	t.started = true
	t.running.Go(t.places.run)
	for range workers {
		t.running.Go(t.work)
	}
	for range lookupWorkers {
		t.running.Go(func() { t.lookUp(t.near) })
	}
	for range remoteLookupWorkers {
		t.running.Go(func() { t.lookUp(t.far) })
	}
}

// Within limits an attempt to pin to the place of its CID, for ipfsconn.Connector.Within:
// the returned context is cancelled when the attempt is preempted, and the returned
// function must be called with the attempt's outcome.
func (t *Tracker) Within(ctx context.Context, c api.Cid) (context.Context, func(error)) {
	return t.places.enter(ctx, c)
}

// Observe queues a change of the state. It is a subscriber of consensus.Feed, and does not
// block.
func (t *Tracker) Observe(change pinset.Change) {
	t.queue.change(change.CID, func(e *entry) {
		e.gone, e.fresh, e.known = change.Removed(), !change.Existed, true
		if !e.gone {
			e.pin = change.Pin
		}
	})
}

// Track implements ipfscluster.PinTracker, and does nothing: the library's Raft
// calls it for changes that have been observed.
func (t *Tracker) Track(context.Context, api.Pin) error { return nil }

// Untrack implements ipfscluster.PinTracker as Track does.
func (t *Tracker) Untrack(context.Context, api.Cid) error { return nil }

// PinQueueSize returns the number of pins that wait, here and in the library's
// tracker.
func (t *Tracker) PinQueueSize(ctx context.Context) (int64, error) {
	n, err := t.InnerTracker.PinQueueSize(ctx)
	return n + int64(t.queue.size()), err
}

// errNoClient says that the peer has not been put together yet.
var errNoClient = errors.New("the peer is starting")

// PinInCluster stores a pin in the cluster, as the APIs do. Without allocations
// the cluster chooses them.
func (t *Tracker) PinInCluster(ctx context.Context, pin api.Pin) error {
	client := t.client.Load()
	if client == nil {
		return errNoClient
	}
	return client.CallContext(ctx, "", "Cluster", "Pin", pin, &api.Pin{})
}

// watch reconciles a pin again when its operation ends.
func (t *Tracker) watch(operation context.Context, pin api.Pin) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.watched[pin.Cid]; ok {
		return
	}
	t.watched[pin.Cid] = struct{}{}
	context.AfterFunc(operation, func() {
		t.mu.Lock()
		delete(t.watched, pin.Cid)
		t.mu.Unlock()
		t.queue.again(pin, func(e *entry) { e.changed = true })
	})
}

// Shutdown stops the work, waits for it, and stops the inner tracker.
func (t *Tracker) Shutdown(ctx context.Context) error {
	t.mu.Lock()
	t.stopping = true
	t.mu.Unlock()
	t.cancel()
	// The queues end the workers; the inner tracker is last, since workers call it.
	t.queue.close()
	t.near.Close()
	t.far.Close()
	t.running.Wait()
	t.sweeps.wait()
	return t.InnerTracker.Shutdown(ctx)
}

var logger = logging.Logger("pinsvc")

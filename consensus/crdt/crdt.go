package crdt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	ipfslite "github.com/hsanjuan/ipfs-lite"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs-cluster/ipfs-cluster/state/dsstate"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	dscrdt "github.com/ipfs/go-ds-crdt"
	logging "github.com/ipfs/go-log/v2"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/routing"
)

var (
	logger = logging.Logger("crdt") // the name that the library's has

	errStopped   = errors.New("the consensus is shutting down")
	errNoBatch   = errors.New("the datastore cannot batch")
	errNoListing = errors.New("the nodes of the DAG are not listed here")
)

const (
	// branches is how many nodes go-ds-crdt applies at a time, as in the library.
	branches = 50
	// nodeTimeout is how long its repair waits for a node of other peers.
	nodeTimeout = 2 * time.Minute
)

// Options are the surroundings of a Replica. All are required except Generation and Failed.
type Options struct {
	Host   host.Host
	DHT    routing.Routing
	PubSub *pubsub.PubSub
	// Config is the library's section; its batching is not looked at.
	Config *crdt.Config
	Store  datastore.Datastore
	// Generation says which openings of Store came before. The zero value means that
	// they are not known: then the DAG is walked.
	Generation Generation
	// Failed, if set, is called when the pinset cannot be opened. The component
	// never becomes ready then, and should be shut down, though not by Failed, for
	// which a shutdown waits.
	Failed func(error)
}

// Replica is a CRDT consensus component. It works from SetClient on.
type Replica struct {
	options   Options
	namespace datastore.Key
	trusted   sync.Map // of peer.ID
	dag       *ipfslite.Peer
	blocks    *guard   // of dag
	journal   *journal // below everything that go-ds-crdt and dag store
	served    *server

	resumeEvery, stuckAfter time.Duration // as the constants; tests have less patience

	life   context.Context // ends with Shutdown
	end    context.CancelFunc
	work   sync.WaitGroup
	client *rpc.Client

	mu      sync.Mutex // guards the start against the end
	started bool
	stopped bool

	broadcaster atomic.Pointer[broadcaster] // by other peers; nil before the start

	ready   chan struct{} // closed when the rest is set
	set     *dscrdt.Datastore
	state   state.State
	batched state.BatchingState
}

// New returns a Replica that serves its nodes to other peers, and does nothing else until
// SetClient. It takes over Store: Shutdown must be called before Store is closed.
func New(o Options) (*Replica, error) {
	if err := o.Config.Validate(); err != nil {
		return nil, err
	}
	store, ok := o.Store.(datastore.Batching)
	if !ok {
		return nil, errNoBatch
	}
	r := &Replica{
		options:   o,
		namespace: datastore.NewKey(o.Config.DatastoreNamespace),
		ready:     make(chan struct{}),

		resumeEvery: resumeEvery,
		stuckAfter:  stuckAfter,
	}
	r.life, r.end = context.WithCancel(context.Background())
	var err error
	if r.journal, err = openJournal(r.life, store, r.namespace); err != nil {
		r.end()
		return nil, fmt.Errorf("the journal of the pinset: %w", err)
	}
	if r.dag, r.blocks, err = openDAG(r.life, r.journal, r.namespace, peerNetwork{o.Host, o.DHT}); err != nil {
		r.end()
		return nil, fmt.Errorf("the way to other peers' nodes: %w", err)
	}
	if r.served, err = serve(o.Host, r.dag.BlockStore(), r.heads); err != nil {
		r.end()
		r.blocks.close()
		return nil, err
	}
	return r, nil
}

// SetClient implements ipfscluster.Component and starts the work. It does not wait for the
// start, which may include a migration of the store.
func (r *Replica) SetClient(client *rpc.Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started || r.stopped {
		return
	}
	r.started = true
	r.client = client
	r.work.Go(func() {
		err := r.start()
		if err == nil || r.life.Err() != nil {
			return
		}
		logger.Errorf("the pinset does not open: %s", err)
		if r.options.Failed != nil {
			r.options.Failed(err)
		}
	})
}

// start opens the pinset. Announcements are received before that, so that none is missed
// while a large store opens; they are followed when it is open.
func (r *Replica) start() error {
	cfg := r.options.Config
	for _, p := range cfg.TrustedPeers {
		r.Trust(r.life, p)
	}
	announcements, err := r.listen()
	if err != nil {
		return err
	}
	opts := dscrdt.DefaultOptions()
	opts.Logger = newBoundedLog()
	opts.RebroadcastInterval = cfg.RebroadcastInterval
	opts.RepairInterval = 0 // mend does it: go-ds-crdt calls a DAG clean that lacks nodes
	opts.DAGSyncerTimeout = nodeTimeout
	opts.NumWorkers = branches
	if r.set, err = dscrdt.New(r.journal, r.namespace, journaled{newLocalNodes(r.dag), r.journal}, announcements, opts); err != nil {
		return err
	}
	if r.state, err = dsstate.New(r.life, r.set, "", dsstate.DefaultHandle()); err != nil {
		return err
	}
	if r.batched, err = dsstate.NewBatching(r.life, r.set, "", dsstate.DefaultHandle()); err != nil {
		return err
	}
	close(r.ready)
	r.work.Go(func() { r.resume(announcements) })
	r.work.Go(func() { r.mend(announcements) })
	return r.exchangeHeads(announcements)
}

// Ready implements ipfscluster.Consensus. The channel is closed for all.
func (r *Replica) Ready(context.Context) <-chan struct{} { return r.ready }

// Batched waits until the state is open and returns it for writes that are committed
// together. Only one goroutine at a time may write to it.
func (r *Replica) Batched(ctx context.Context) (state.BatchingState, error) {
	select {
	case <-r.ready:
		return r.batched, nil
	case <-r.life.Done():
		return nil, errStopped
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// heads returns the heads of this peer, nil before the state is open.
func (r *Replica) heads(ctx context.Context) []cid.Cid {
	select {
	case <-r.ready:
		return r.set.InternalStats(ctx).Heads
	default:
		return nil
	}
}

// State implements ipfscluster.Consensus.
func (r *Replica) State(ctx context.Context) (state.ReadOnly, error) {
	return r.Batched(ctx)
}

// Shutdown stops everything that uses the datastore and joins it. It may be called at any
// time, also before SetClient and twice.
func (r *Replica) Shutdown(context.Context) error {
	r.mu.Lock()
	again := r.stopped
	r.stopped = true
	r.mu.Unlock()
	if again { // the datastore may be closed
		return nil
	}
	// The order matters: nothing reads blocks of the set after it is closed.
	r.end()
	r.served.close()
	r.work.Wait()
	defer r.blocks.close() // the set needs them until it is closed
	if r.set == nil {
		return nil
	}
	return r.set.Close()
}

package embedded

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/ipld/merkledag"
	ipld "github.com/ipfs/go-ipld-format"
	logging "github.com/ipfs/go-log/v2"
	rpc "github.com/libp2p/go-libp2p-gorpc"

	"github.com/ipfs-cluster/pinsvc/embedded/network"
	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

var logger = logging.Logger("embedded")

// ErrNotRunning is what every method returns before Start and after Shutdown,
// and the cause with which Shutdown ends what is under way.
var ErrNotRunning = errors.New("the IPFS node is not running")

// Options are what the node is told besides its configuration.
type Options struct {
	// BaseDir is the folder that Config.Folder is relative to.
	BaseDir string
	// UserAgent is told to other nodes; empty for libp2p's own.
	UserAgent string
}

// Node is an IPFS node and an ipfscluster.IPFSConnector. All methods may be
// called concurrently.
type Node struct {
	cfg   Config
	opts  Options
	ready chan struct{}

	ctx    context.Context // ends with Shutdown
	cancel context.CancelCauseFunc

	turn    sync.Mutex // held by Start and Shutdown, one at a time
	stopped bool       // under turn
	mu      sync.Mutex // of running
	running bool
	calls   sync.WaitGroup // methods under way

	client    atomic.Pointer[rpc.Client]
	informers *trigger
	locks     *keyLock
	claims    *storage.Claims
	jobs      *inflight
	streams   *streams
	refusals  refusals

	// Set by Start.
	repo     *storage.Repo
	store    *storage.Store
	pins     *pinset
	checker  *checker
	gc       *collector
	net      *network.Network
	provider *network.Provider
}

var _ ipfscluster.IPFSConnector = (*Node)(nil)

// New makes a node. It does no I/O.
func New(cfg Config, opts Options) (*Node, error) {
	if err := errors.Join(cfg.Validate()...); err != nil {
		return nil, err
	}
	claims := storage.NewClaims()
	n := &Node{
		cfg:     cfg,
		opts:    opts,
		ready:   make(chan struct{}),
		locks:   newKeyLock(),
		claims:  claims,
		jobs:    newInflight(claims.Hasher),
		streams: newStreams(claims.Hasher),
	}
	n.ctx, n.cancel = context.WithCancelCause(context.Background())
	n.informers = &trigger{client: &n.client, every: uint64(cfg.InformerTriggerInterval)}
	return n, nil
}

// Start opens the folder and binds the addresses. It waits for nobody on the
// network. After an error nothing is left open and the node cannot be used.
func (n *Node) Start(ctx context.Context) error {
	n.turn.Lock()
	defer n.turn.Unlock()
	if n.stopped || n.repo != nil {
		return errors.New("the IPFS node was started before")
	}
	if err := n.open(ctx); err != nil {
		n.stopped = true
		n.cancel(ErrNotRunning)
		return errors.Join(err, n.close())
	}
	n.setRunning(true)
	close(n.ready)
	n.calls.Go(n.connectLater)
	n.calls.Go(func() { n.checker.scrubAll(n.ctx) })
	n.calls.Go(func() { n.checker.attribute(n.ctx) })
	return nil
}

// setRunning returns what it was before.
func (n *Node) setRunning(running bool) (before bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before, n.running = n.running, running
	return before
}

func (n *Node) open(ctx context.Context) (err error) {
	if n.repo, err = storage.OpenRepo(n.cfg.folder(n.opts.BaseDir)); err != nil {
		return err
	}
	lost, err := storage.OpenDamaged(ctx, n.repo.Records, n.repo.Room)
	if err != nil {
		return err
	}
	n.store = storage.NewStore(n.repo, n.claims, lost, uint64(n.cfg.StorageMax))
	if n.pins, err = openPinset(ctx, n.repo.Records, offlineDAG(n.store)); err != nil {
		return err
	}
	slow, err := openScrub(ctx, n.repo, uint64(n.cfg.VerifyRate))
	if err != nil {
		return err
	}
	n.checker = newChecker(n, slow)
	n.gc = &collector{
		store:   n.store,
		pins:    n.pins,
		jobs:    n.jobs,
		streams: n.streams,
		checker: n.checker,
		running: make(chan struct{}, 1),
	}
	if n.net, err = network.Open(n.ctx, n.networkOptions()); err != nil {
		return err
	}
	var router *network.ProvideRouter
	if n.net.DHT != nil && n.cfg.Provide != provideNone {
		router = network.NewProvideRouter(n.net.DHT)
	}
	n.provider, err = network.NewProvider(n.ctx, router, network.ProviderOptions{
		Interval: n.cfg.ReprovideInterval.Std(), Queue: n.repo.Records, Keys: n.provided,
	})
	return err
}

func (n *Node) networkOptions() network.Options {
	return network.Options{
		Listen:          n.cfg.ListenMultiaddresses,
		Announce:        n.cfg.AnnounceMultiaddresses,
		Bootstrap:       n.cfg.BootstrapMultiaddresses,
		JoinDHT:         n.cfg.JoinDHT,
		NATPortMap:      n.cfg.NATPortMap,
		ConnectionsLow:  n.cfg.ConnectionsLow,
		ConnectionsHigh: n.cfg.ConnectionsHigh,
		UserAgent:       n.opts.UserAgent,
		Key:             n.repo.Key,
		Records:         n.repo.Records,
		Blocks:          n.store,
	}
}

// offlineDAG reads nodes from the store only.
func offlineDAG(s *storage.Store) ipld.DAGService {
	return merkledag.NewDAGService(blockservice.New(s, nil))
}

// SetClient gives the node access to the cluster.
func (n *Node) SetClient(c *rpc.Client) { n.client.Store(c) }

// Ready is closed when the node has started.
func (n *Node) Ready(context.Context) <-chan struct{} { return n.ready }

// DiskFull is an error when the node's disk has no space for another record, and
// what is to be written may wait for it.
// It is for a node that has been started.
func (n *Node) DiskFull() error { return n.repo.Disk.Room() }

// Shutdown cancels what is under way, waits for its end and closes everything.
// It is safe at any time and again.
func (n *Node) Shutdown(context.Context) error {
	n.turn.Lock()
	defer n.turn.Unlock()
	n.stopped = true
	n.cancel(ErrNotRunning)
	if !n.setRunning(false) {
		return nil
	}
	n.calls.Wait()
	return n.close()
}

func (n *Node) close() error {
	var errs []error
	if n.provider != nil {
		errs = append(errs, n.provider.Close())
	}
	if n.net != nil {
		errs = append(errs, n.net.Close())
	}
	if n.repo != nil {
		errs = append(errs, n.repo.Close())
	}
	return errors.Join(errs...)
}

// enter begins a method: its context ends with the node too, and the node stays
// open until leave is called.
func (n *Node) enter(ctx context.Context) (_ context.Context, leave func(), err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running {
		return nil, nil, ErrNotRunning
	}
	n.calls.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	unlink := context.AfterFunc(n.ctx, func() { cancel(ErrNotRunning) })
	return ctx, func() {
		unlink()
		cancel(nil)
		n.calls.Done()
	}, nil
}

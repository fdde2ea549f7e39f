package peer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	logging "github.com/ipfs/go-log/v2"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/consensus/crdt"
	"github.com/ipfs-cluster/pinsvc/consensus/shards"
	"github.com/ipfs-cluster/pinsvc/embedded"
	"github.com/ipfs-cluster/pinsvc/embedded/disk"
	"github.com/ipfs-cluster/pinsvc/peer/metrics"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
	"github.com/ipfs-cluster/pinsvc/pinset/view"
	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
)

var logger = logging.Logger("pinsvc")

// drainTimeout bounds how long a stopping peer waits for requests under way.
// A write may wait ten seconds for the local state.
const drainTimeout = 15 * time.Second

// errRemoved says that the cluster stopped by itself.
var errRemoved = errors.New("this peer was removed from the cluster: to join one again, start it with --bootstrap")

// Peer is a running peer. It works as soon as Start returns, but its APIs
// answer 503 until Ready.
type Peer struct {
	noView   bool   // lists scan
	scanned  func() // after a scan of a large pinset; may be nil
	settings *settings.Settings
	kind     string // of consensus: "crdt" or "raft"
	cluster  *ipfscluster.Cluster
	disk     *disk.Watch // of the consensus' data
	net      *network
	node     *embedded.Node // nil with a Kubo
	doors    []door
	local    local
	budget   *common.Budget    // of the memory of all requests
	memory   *pinsvcapi.Memory // of what peers answered last, for both APIs
	// credentials are those of the doors of ours, by section. Reload changes
	// them.
	credentials map[string]*auth.Credentials
	throttle    *auth.Throttle // of all of them
	reloading   sync.Mutex
	connector   ipfscluster.IPFSConnector // set before ready is closed
	lagging     lagging                   // on CRDT; nil on Raft
	meter       *metrics.Pins
	view        *view.View // of the pinset, for lists; nil without the API
	shards      *shards.Keeper
	adds        shardedAdds

	ready chan struct{} // closed when the consensus is ready
	done  chan struct{} // closed when the peer cannot go on

	fail    sync.Once
	err     error // why, set before done is closed
	stop    sync.Once
	stopErr error
	cancel  context.CancelFunc
	closers []closer
}

// lagging is what a peer asks of a consensus that gets the changes of others.
type lagging interface{ Lag() crdt.Lag }

// closer undoes one step of the start.
type closer struct {
	name  string
	close func(context.Context) error
}

// Start starts the peer that lives in o.Folder. When it fails, everything that
// was started is stopped, and the error says in a line what was wrong. The
// context ends the start, not the peer: use Shutdown.
func Start(ctx context.Context, o Options) (*Peer, error) {
	if ipfscluster.ReadyTimeout != libraryTimeout {
		return nil, errNotPrepared
	}
	p := &Peer{noView: o.NoView, scanned: o.Scanned, ready: make(chan struct{}), done: make(chan struct{}), meter: metrics.NewPins()}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.cancel = cancel
	abort := context.AfterFunc(ctx, cancel)
	defer abort()

	b := &builder{Peer: p, options: o, gate: newGate()}
	if err := b.build(life); err != nil {
		p.Shutdown(context.WithoutCancel(ctx))
		return nil, err
	}
	if ctx.Err() != nil {
		p.Shutdown(context.WithoutCancel(ctx))
		return nil, ctx.Err()
	}
	return p, nil
}

// Ready is closed when the consensus is ready and the APIs answer. IPFS need
// not be: pins wait for it.
func (p *Peer) Ready() <-chan struct{} { return p.ready }

// Done is closed when the peer does not go on: Shutdown was called, or the
// consensus did not become ready in time, or the cluster has removed this
// peer. In the latter cases Err says why, and the peer must be shut down.
func (p *Peer) Done() <-chan struct{} { return p.done }

// Err returns why Done is closed: nil before, and after a mere Shutdown.
func (p *Peer) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// giveUp closes Done, once.
func (p *Peer) giveUp(err error) {
	p.fail.Do(func() {
		p.err = err
		close(p.done)
	})
}

// Address is where one part of the peer can be reached.
type Address struct {
	Section string   // of service.json: "api.pinsvcapi", "cluster"
	URLs    []string // or multiaddrs, for what is not HTTP
}

// Addresses returns where the peer can be reached, with the ports that were
// really bound: the APIs first, then the cluster and the embedded IPFS node.
func (p *Peer) Addresses() []Address {
	var all []Address
	for _, d := range p.doors {
		all = append(all, Address{d.section, d.urls})
	}
	if p.net != nil {
		all = append(all, Address{"cluster", p.net.listens()})
	}
	if p.node != nil {
		all = append(all, Address{"ipfs_connector.embedded", p.node.Listens()})
	}
	return all
}

// Shutdown stops the peer in order: requests are drained, then the cluster,
// the DHT, the host and the datastore are stopped. It may be called at any
// time; calls after the first return its result when it has one.
func (p *Peer) Shutdown(ctx context.Context) error {
	p.stop.Do(func() {
		p.giveUp(nil)
		p.stopErr = errors.Join(p.drain(ctx), p.closeAll(ctx))
	})
	return p.stopErr
}

// runClosers undoes the start, the last step first.
func (p *Peer) runClosers(ctx context.Context) error {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		c := p.closers[i]
		logger.Debugf("stopping: %s", c.name)
		if err := c.close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stopping the %s: %w", c.name, err))
		}
	}
	p.cancel()
	return errors.Join(errs...)
}

// drain closes the APIs and waits for requests under way.
func (p *Peer) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(p.doors))
	for i, d := range p.doors {
		wg.Go(func() {
			if err := d.api.Shutdown(ctx); err != nil {
				errs[i] = fmt.Errorf("stopping %s: %w", d.section, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

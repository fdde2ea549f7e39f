package consensus

import (
	"context"
	"fmt"
	"sync"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-datastore"

	"github.com/ipfs-cluster/pinsvc/consensus/shards"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// waitTimeout bounds each wait of a write: for earlier writes to the same CID, for a
// Raft leader, and for the local state to show the change.
const waitTimeout = 10 * time.Second

// Options describe the inner component and the peer. The zero value is for Raft.
type Options struct {
	// Store is the datastore of a CRDT consensus. It is synced after every write,
	// because some datastores lose unsynced writes when the process is killed. Nil
	// means Raft: its log is durable, and its calls, which may wait for another
	// peer, are bounded by a timeout.
	Store datastore.Datastore
	// Synced says that the inner component syncs Store itself before it returns.
	Synced bool
	// Room, if set, returns an error when the disk has too little space for a write.
	Room func() error
	// PinRoom, if set, returns an error when the IPFS node of this peer has no space
	// for a new pin.
	PinRoom func(api.Pin) error
	// Shards, if set, keeps parts of sharded adds that a root needs.
	Shards *shards.Keeper
}

// Consensus wraps a consensus component of ipfs-cluster. All writes of a peer pass it:
// those of both APIs and of ipfs-cluster-ctl, automatic re-pins, and on Raft the writes
// that followers forward. A write keeps or sets the pin's `created`. When it returns, the
// local state shows it and it is on disk. Writes to one CID are serialised. All other
// methods are those of the inner component.
//
// A write returns pinset.ErrTooLarge, pinset.ErrNotVisible, an error of the kinds
// pinset.ErrUnavailable and pinset.ErrDiskFull, or an error of the inner component.
type Consensus struct {
	ipfscluster.Consensus

	options Options
	clock   *pinset.Clock
	locks   *keyLocks

	ready    chan struct{}   // closed when the inner component is ready
	life     context.Context // ends with Shutdown
	end      context.CancelFunc
	drain    context.Context // ends drainTimeout after life
	endDrain context.CancelFunc

	mu     sync.Mutex     // orders writes.Add before Shutdown's writes.Wait
	writes sync.WaitGroup // writes in progress, and the wait for ready
}

// New wraps a consensus component, which must not be in use yet.
func New(inner ipfscluster.Consensus, o Options) *Consensus {
	c := &Consensus{
		Consensus: inner,
		options:   o,
		clock:     pinset.NewClock(),
		locks:     newKeyLocks(),
		ready:     make(chan struct{}),
	}
	c.life, c.end = context.WithCancel(context.Background())
	c.drain, c.endDrain = context.WithCancel(context.Background())
	c.writes.Go(func() {
		select {
		case <-inner.Ready(c.life):
			close(c.ready)
		case <-c.life.Done():
		}
	})
	return c
}

// ReadyC returns a channel that is closed when the consensus is ready. The library's
// channel delivers one value to one reader, but the cluster, the APIs and the peer all
// wait for it.
func (c *Consensus) ReadyC() <-chan struct{} { return c.ready }

// Ready implements ipfscluster.Consensus with ReadyC.
func (c *Consensus) Ready(context.Context) <-chan struct{} { return c.ready }

// LogPin implements ipfscluster.Consensus as Consensus says.
func (c *Consensus) LogPin(ctx context.Context, pin api.Pin) error {
	if c.options.Shards != nil && pin.Type != api.DataType {
		return c.logShards(ctx, pin)
	}
	return c.logPin(ctx, pin, func(api.Pin) api.Pin { return pin })
}

// logPin stores the pin that merge returns for the stored pin of the same CID, which is
// not defined when there is none.
func (c *Consensus) logPin(ctx context.Context, pin api.Pin, merge func(api.Pin) api.Pin) error {
	return c.write(ctx, pin.Cid, func(ctx context.Context, stored api.Pin) (content, error) {
		pin := merge(stored)
		if c.options.PinRoom != nil && !stored.Defined() {
			if err := c.options.PinRoom(pin); err != nil {
				return "", pinset.DiskFull(err.Error())
			}
		}
		pin = withCreated(pin, stored, c.clock)
		if err := checkSize(pin); err != nil {
			return "", err
		}
		want, err := contentOf(pin)
		if err != nil {
			return "", err
		}
		return want, c.retry(ctx, func() error { return c.Consensus.LogPin(ctx, pin) })
	})
}

// LogUnpin implements ipfscluster.Consensus as Consensus says.
func (c *Consensus) LogUnpin(ctx context.Context, pin api.Pin) error {
	var before api.Pin
	err := c.write(ctx, pin.Cid, func(ctx context.Context, stored api.Pin) (content, error) {
		before = stored
		return c.logUnpin(ctx, pin, stored)
	})
	if err == nil && c.options.Shards != nil {
		c.options.Shards.Unrooted(before)
	}
	return err
}

// Observe notifies waiting writes of a change of the state. It must be subscribed to the
// Feed, so that it observes every change after its commit.
func (c *Consensus) Observe(change pinset.Change) { c.locks.observe(change) }

// write runs log, with the checks and waits before and after it. log receives the stored
// pin of the CID and returns the content that the state will have.
func (c *Consensus) write(ctx context.Context, ci api.Cid, log func(context.Context, api.Pin) (content, error)) error {
	if err := c.begin(); err != nil {
		return err
	}
	defer c.writes.Done()
	if c.options.Room != nil {
		if err := c.options.Room(); err != nil {
			return pinset.DiskFull(err.Error())
		}
	}
	stored, handle, err := c.lockAndRead(ctx, ci)
	if err != nil {
		return err
	}
	defer handle.end()
	before, err := contentOf(stored)
	if err != nil {
		return err
	}
	call, cancel := c.callContext(ctx)
	defer cancel()
	want, err := log(call, stored)
	if err != nil {
		return err
	}
	// Not the caller's context: a client that disconnects must not let the next write
	// to this CID start before this one is done.
	if err := c.await(context.WithoutCancel(ctx), pending{before, want, handle}); err != nil {
		return err
	}
	return c.sync(ctx)
}

// begin registers a write in progress. It fails when the peer is stopping.
func (c *Consensus) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.life.Err(); err != nil {
		return c.unavailable("", err)
	}
	c.writes.Add(1)
	return nil
}

// lockAndRead locks a CID and returns its stored pin. It waits until the consensus is
// ready: before that, the state of a Raft peer lacks pins.
func (c *Consensus) lockAndRead(ctx context.Context, ci api.Cid) (api.Pin, keyHandle, error) {
	ctx, cancel := bound(ctx, c.life)
	defer cancel()
	select {
	case <-c.ready:
	case <-ctx.Done():
		return api.Pin{}, keyHandle{}, c.unavailable("the cluster is not ready", ctx.Err())
	}
	handle, err := c.locks.lock(ctx, ci)
	if err != nil {
		return api.Pin{}, keyHandle{}, c.unavailable("other writes to this pin take too long", err)
	}
	stored, err := c.stored(ctx, ci)
	if err != nil {
		handle.end()
		return api.Pin{}, keyHandle{}, err
	}
	return stored, handle, nil
}

// stored returns the pin of a CID in the local state, not defined when there is none.
func (c *Consensus) stored(ctx context.Context, ci api.Cid) (api.Pin, error) {
	st, err := c.State(ctx)
	if err != nil {
		return api.Pin{}, err
	}
	return pinset.Stored(ctx, st, ci)
}

// callContext returns the context for a call of the inner component. It does not end
// with the caller's: a batch applies its items later, with this context.
func (c *Consensus) callContext(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx = context.WithoutCancel(ctx)
	if c.options.Store != nil {
		return ctx, func() {}
	}
	return bound(ctx, c.life)
}

// bound returns a context that ends with ctx, with life, or after waitTimeout.
func bound(ctx, life context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, waitTimeout)
	stop := context.AfterFunc(life, cancel)
	return ctx, func() { stop(); cancel() }
}

// sync writes the datastore to disk, unless the inner component does.
func (c *Consensus) sync(ctx context.Context) error {
	if c.options.Store == nil || c.options.Synced {
		return nil
	}
	err := c.options.Store.Sync(context.WithoutCancel(ctx), datastore.NewKey("/"))
	if err != nil {
		return fmt.Errorf("syncing the datastore: %w", err)
	}
	return nil
}

func (c *Consensus) unavailable(why string, cause error) error {
	if c.life.Err() != nil {
		why = "the peer is shutting down"
	}
	return pinset.Unavailable(why, cause)
}

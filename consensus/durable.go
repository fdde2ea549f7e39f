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

// patience bounds each wait of a write: for others that write the same CID,
// for a Raft leader, for the local state to show the change.
const patience = 10 * time.Second

// Options say what New needs to know of the inner component.
type Options struct {
	// Store is what a CRDT consensus keeps its state in. It is synced after
	// every write, because some datastores lose what was not when the process
	// is killed. Nil is for Raft: its log is durable, and its calls may wait
	// for another peer and are bounded.
	Store datastore.Datastore
	// Synced tells that the inner component syncs Store before it returns.
	Synced bool
	// Room, if set, says why there is no space on the disk for a write.
	Room func() error
	// PinRoom, if set, says why the IPFS node of this peer has no space for a
	// pin that is not stored yet.
	PinRoom func(api.Pin) error
	// Shards, if set, knows which parts of sharded adds are needed.
	Shards *shards.Keeper
}

// Consensus wraps the component that every write of this peer passes: both
// APIs, ctl, automatic re-pins, and on Raft what followers pass on. A write
// keeps or sets the pin's `created`, and has happened when it returns: the
// local state shows it and it is on disk. Writes to one CID come one after the
// other. Everything else goes straight to the inner component.
//
// Its own errors are pinsvcapi.ErrTooLarge, pinsvcapi.ErrNotVisible and those
// of pinsvcapi.Unavailable and pinsvcapi.DiskFull.
type Consensus struct {
	ipfscluster.Consensus

	options Options
	clock   *pinset.Clock
	locks   *keyLocks

	ready    chan struct{}   // closed when the inner component is ready
	life     context.Context // ends with Shutdown
	end      context.CancelFunc
	lifeLate context.Context // ends a little later
	endLate  context.CancelFunc

	mu     sync.Mutex     // guards the beginning of writes against life's end
	writes sync.WaitGroup // those under way, and the wait for ready
}

// New wraps a consensus component that nobody uses yet.
func New(inner ipfscluster.Consensus, o Options) *Consensus {
	c := &Consensus{
		Consensus: inner,
		options:   o,
		clock:     pinset.NewClock(),
		locks:     newKeyLocks(),
		ready:     make(chan struct{}),
	}
	c.life, c.end = context.WithCancel(context.Background())
	c.lifeLate, c.endLate = context.WithCancel(context.Background())
	c.writes.Go(func() {
		select {
		case <-inner.Ready(c.life):
			close(c.ready)
		case <-c.life.Done():
		}
	})
	return c
}

// ReadyC is closed when the consensus is ready. The library's channel has one
// value for one reader, and the cluster, the APIs and the peer all want it.
func (c *Consensus) ReadyC() <-chan struct{} { return c.ready }

// Ready implements ipfscluster.Consensus with ReadyC.
func (c *Consensus) Ready(context.Context) <-chan struct{} { return c.ready }

// LogPin stores a pin. See Consensus for what it adds to the library's.
func (c *Consensus) LogPin(ctx context.Context, pin api.Pin) error {
	if c.options.Shards != nil && pin.Type != api.DataType {
		return c.logShards(ctx, pin)
	}
	return c.logPin(ctx, pin, func(api.Pin) api.Pin { return pin })
}

// logPin stores a pin. merge gets what is stored for the CID, and returns the pin
// to be stored.
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
		return want, c.insist(ctx, func() error { return c.Consensus.LogPin(ctx, pin) })
	})
}

// LogUnpin removes a pin. See Consensus for what it adds to the library's.
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

// Observe takes a change of the state, for a write that waits for it. Every change
// has to come, after its commit.
func (c *Consensus) Observe(change pinset.Change) { c.locks.observe(change) }

// write does one write, with all that comes before and after. log gets what is
// stored for the CID and returns what the state will show.
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
	stored, mine, err := c.enter(ctx, ci)
	if err != nil {
		return err
	}
	defer mine.end()
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
	// Not the caller's context: the next write to this CID has to come after
	// this one even when nobody waits for it any more.
	if err := c.await(context.WithoutCancel(ctx), pending{before, want, mine}); err != nil {
		return err
	}
	return c.sync(ctx)
}

// begin counts a write as under way, unless the peer is stopping.
func (c *Consensus) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.life.Err(); err != nil {
		return c.unavailable("", err)
	}
	c.writes.Add(1)
	return nil
}

// enter waits for the turn of a write and returns what the local state has
// for its CID. Until the consensus is ready, a Raft peer does not know its own
// pins.
func (c *Consensus) enter(ctx context.Context, ci api.Cid) (api.Pin, turn, error) {
	ctx, cancel := bound(ctx, c.life)
	defer cancel()
	select {
	case <-c.ready:
	case <-ctx.Done():
		return api.Pin{}, turn{}, c.unavailable("the cluster is not ready", ctx.Err())
	}
	mine, err := c.locks.lock(ctx, ci)
	if err != nil {
		return api.Pin{}, turn{}, c.unavailable("other writes to this pin take too long", err)
	}
	stored, err := c.stored(ctx, ci)
	if err != nil {
		mine.end()
		return api.Pin{}, turn{}, err
	}
	return stored, mine, nil
}

// stored returns what the local state has for a CID, a pin that is not defined
// when there is none.
func (c *Consensus) stored(ctx context.Context, ci api.Cid) (api.Pin, error) {
	st, err := c.State(ctx)
	if err != nil {
		return api.Pin{}, err
	}
	return pinset.Stored(ctx, st, ci)
}

// callContext returns the context for a call of the inner component. A client
// that goes away must not take its item of a batch with it, which is applied
// later, with this context.
func (c *Consensus) callContext(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx = context.WithoutCancel(ctx)
	if c.options.Store != nil {
		return ctx, func() {}
	}
	return bound(ctx, c.life)
}

// bound returns ctx made to end also with patience and with life.
func bound(ctx, life context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	stop := context.AfterFunc(life, cancel)
	return ctx, func() { stop(); cancel() }
}

// sync makes what was written survive the end of the process.
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

package ipfsconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	logging "github.com/ipfs/go-log/v2"

	"github.com/ipfs-cluster/pinsvc/embedded"
	"github.com/ipfs-cluster/pinsvc/internal/backoff"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// idTimeout bounds the node's answer to who it is. The cluster asks
	// before each of its pings, and a peer without pings loses its pins.
	idTimeout = 3 * time.Second
	// blockTimeout bounds the wait for a block.
	blockTimeout = 5 * time.Second
	// secondLook is how long after an error the node is asked whether it is
	// there: one that is being stopped fails its requests before it is gone.
	secondLook = time.Second
	// An interrupted request is repeated after these times.
	firstInsistPause = 100 * time.Millisecond
	maxInsistPause   = time.Minute
	// maxBroken is after how many tries it is not, if the node answers all
	// the time.
	maxBroken = 6
)

// Why a question or a pin failed.
var (
	errAway     = errors.New("the IPFS node does not answer")
	errNotThere = errors.New("the IPFS node ended the request without pinning")
)

// Connector wraps the way to the IPFS node. A peer starts without its node,
// and pins and unpins wait while it is away instead of failing. What only asks
// about pins fails at once then. Everything else goes straight to the inner
// component.
type Connector struct {
	ipfscluster.IPFSConnector

	node     *node
	verified verified
	ready    chan struct{}
	observer func(api.Pin, error)
	within   func(context.Context, api.Cid) (context.Context, func(error))
}

// Within has a function called for each attempt to pin, before the connector is
// used. The attempt has the context that it returns, and calls the function that
// it returns with its outcome.
func (c *Connector) Within(f func(context.Context, api.Cid) (context.Context, func(error))) {
	c.within = f
}

// Away reports whether the node did not answer when it was asked last.
func (c *Connector) Away() bool { return c.node.away() }

// ObservePins has a function called with the outcome of every attempt to pin
// that ended by itself, before the connector is used. It must be quick.
func (c *Connector) ObservePins(f func(api.Pin, error)) { c.observer = f }

// New wraps a connector.
func New(inner ipfscluster.IPFSConnector) *Connector {
	c := &Connector{IPFSConnector: inner, ready: make(chan struct{})}
	c.node = newNode(func(ctx context.Context) error {
		_, err := inner.ID(ctx)
		return err
	})
	close(c.ready)
	return c
}

// Ready is closed from the start. The library's cluster is not ready, and not
// even alive for other peers, before its connector is.
func (c *Connector) Ready(context.Context) <-chan struct{} { return c.ready }

// ID returns who the IPFS node is, within seconds, or an error.
func (c *Connector) ID(ctx context.Context) (api.IPFSID, error) {
	if c.node.away() {
		return api.IPFSID{}, errAway
	}
	ctx, cancel := context.WithTimeout(ctx, idTimeout)
	defer cancel()
	id, err := c.IPFSConnector.ID(ctx)
	c.doubt(err)
	return id, err
}

// Pin pins, and waits for a node that is away. An error is about the pin, or
// the context's.
func (c *Connector) Pin(ctx context.Context, pin api.Pin) (err error) {
	if err := pinset.CheckCID(pin.Cid.Cid); err != nil {
		if c.observer != nil {
			c.observer(pin, err)
		}
		return fmt.Errorf("it cannot be pinned: %w", err)
	}
	if c.within != nil {
		var leave func(error)
		ctx, leave = c.within(ctx, pin.Cid)
		defer func() {
			if err != nil && errors.Is(context.Cause(ctx), embedded.ErrPreempted) {
				err = embedded.ErrPreempted
			}
			leave(err)
		}()
	}
	return c.insist(ctx, func() error {
		err := c.pinOnce(ctx, pin)
		if c.observer != nil && ctx.Err() == nil {
			c.observer(pin, err)
		}
		return err
	})
}

func (c *Connector) pinOnce(ctx context.Context, pin api.Pin) error {
	begun := c.verified.begin(pin.Cid)
	if err := c.IPFSConnector.Pin(ctx, pin); err != nil {
		return err
	}
	// A request that the node breaks off, because it stops or because something
	// is missing, looks like one that has succeeded.
	status, err := c.IPFSConnector.PinLsCid(ctx, pin)
	switch {
	case err != nil:
		return err
	case !status.IsPinned(pin.MaxDepth):
		return errNotThere
	}
	c.verified.saw(pin.Cid, status, begun)
	return nil
}

// Unpin unpins, and waits for a node that is away: nobody would try again,
// because a removed pin is not in the state any more.
func (c *Connector) Unpin(ctx context.Context, ci api.Cid) error {
	c.verified.forget(ci)
	defer c.verified.forget(ci)
	return c.insist(ctx, func() error { return c.IPFSConnector.Unpin(ctx, ci) })
}

// Verified returns how the node has a CID that was pinned within the last
// second, and false for others.
func (c *Connector) Verified(ci api.Cid) (api.IPFSPinStatus, bool) {
	if c.node.away() {
		return api.IPFSPinStatusBug, false
	}
	return c.verified.get(ci)
}

// PinLsCid returns how the node has a pin. A CID that cannot be pinned is not,
// although an older peer may have had its node keep a record of it.
func (c *Connector) PinLsCid(ctx context.Context, pin api.Pin) (api.IPFSPinStatus, error) {
	if c.node.away() {
		return api.IPFSPinStatusError, errAway
	}
	if pinset.CheckCID(pin.Cid.Cid) != nil {
		return api.IPFSPinStatusUnpinned, nil
	}
	status, err := c.IPFSConnector.PinLsCid(ctx, pin)
	c.doubt(err)
	return status, err
}

// BlockGet returns a block, within seconds, or an error. It is only used for the
// cluster DAGs of sharded pins, whose removal waits for it.
func (c *Connector) BlockGet(ctx context.Context, ci api.Cid) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, blockTimeout)
	defer cancel()
	return c.IPFSConnector.BlockGet(ctx, ci)
}

// PinLs sends the node's pins of the given types and closes out. The library's
// connector stops after the first type, so it is asked for one at a time. The
// first comes last: what that finds is what it counts in its metric.
func (c *Connector) PinLs(ctx context.Context, types []string, out chan<- api.IPFSPinInfo) error {
	defer close(out)
	if c.node.away() {
		return errAway
	}
	for _, kind := range slices.Backward(types) {
		if err := c.pinLs(ctx, kind, out); err != nil {
			c.doubt(err)
			return err
		}
	}
	return nil
}

// pinLs sends the node's pins of one type.
func (c *Connector) pinLs(ctx context.Context, kind string, out chan<- api.IPFSPinInfo) error {
	found := make(chan api.IPFSPinInfo, 1024)
	failed := make(chan error, 1)
	go func() { failed <- c.IPFSConnector.PinLs(ctx, []string{kind}, found) }()
	for info := range found {
		if pinset.CheckCID(info.Cid.Cid) != nil {
			continue // see PinLsCid
		}
		select {
		case out <- info:
		case <-ctx.Done(): // which ends the inner call, too
		}
	}
	return <-failed
}

// insist does something when the node is there, again when it was away
// meanwhile.
func (c *Connector) insist(ctx context.Context, do func() error) error {
	for tries := 1; ; tries++ {
		if c.node.away() {
			if err := c.node.wait(ctx); err != nil {
				return err
			}
		}
		absences := c.node.absences.Load()
		err := do()
		if err == nil || ctx.Err() != nil {
			return err
		}
		broken := interrupted(err)
		if !broken && !backoff.Sleep(ctx, secondLook) {
			return err
		}
		if c.node.wait(ctx) != nil {
			return err
		}
		away := c.node.absences.Load() != absences
		if !away && (!broken || tries >= maxBroken) {
			return err
		}
		if !backoff.Sleep(ctx, backoff.Delay(firstInsistPause, maxInsistPause, tries)) {
			return err
		}
	}
}

// doubt questions the node after an error, unless the caller went away.
func (c *Connector) doubt(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		c.node.question()
	}
}

// interrupted tells whether an error is about the connection to the node.
func interrupted(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var request *url.Error
	var op *net.OpError
	return errors.As(err, &request) || errors.As(err, &op) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// Shutdown ends all waits and stops the inner component.
func (c *Connector) Shutdown(ctx context.Context) error {
	c.node.stop()
	return c.IPFSConnector.Shutdown(ctx)
}

var logger = logging.Logger("pinsvc")

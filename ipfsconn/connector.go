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
	// idTimeout bounds a request for the node's ID. The cluster makes one before each
	// of its pings, and a peer without pings loses its pins.
	idTimeout = 3 * time.Second
	// blockTimeout bounds the wait for a block.
	blockTimeout = 5 * time.Second
	// recheckDelay is the time between an error and the check whether the node is
	// there: a node that is being stopped fails requests before it is gone.
	recheckDelay = time.Second
	// Bounds of the backoff between attempts of an interrupted request.
	firstRetryBackoff = 100 * time.Millisecond
	maxRetryBackoff   = time.Minute
	// maxInterrupted is the number of attempts of a request that is interrupted each
	// time although the node answers.
	maxInterrupted = 6
)

// Why a request failed.
var (
	errAway     = errors.New("the IPFS node does not answer")
	errNotThere = errors.New("the IPFS node ended the request without pinning")
)

// Connector wraps an IPFS connector of ipfs-cluster. A peer starts without its node, and
// while the node is away, pins and unpins wait instead of failing. Queries about pins
// fail at once then. All other methods are those of the inner component.
type Connector struct {
	ipfscluster.IPFSConnector

	health   *health
	pinCache pinCache
	ready    chan struct{}
	observer func(api.Pin, error)
	within   func(context.Context, api.Cid) (context.Context, func(error))
}

// Within sets a function that is called before each attempt to pin. The attempt uses the
// context that the function returns, and calls the returned function with its outcome.
// Within is called before the connector is used.
func (c *Connector) Within(f func(context.Context, api.Cid) (context.Context, func(error))) {
	c.within = f
}

// Away reports whether the node did not answer the last probe.
func (c *Connector) Away() bool { return c.health.away() }

// ObservePins sets a function that is called with the outcome of every attempt to pin
// that was not cancelled. It must not block. ObservePins is called before the connector
// is used.
func (c *Connector) ObservePins(f func(api.Pin, error)) { c.observer = f }

// New wraps a connector.
func New(inner ipfscluster.IPFSConnector) *Connector {
	c := &Connector{IPFSConnector: inner, ready: make(chan struct{})}
	c.health = newHealth(func(ctx context.Context) error {
		_, err := inner.ID(ctx)
		return err
	})
	close(c.ready)
	return c
}

// Ready implements ipfscluster.IPFSConnector with a closed channel: the library's cluster
// sends no pings before its connector is ready, so other peers would take it for dead.
func (c *Connector) Ready(context.Context) <-chan struct{} { return c.ready }

// ID returns the ID of the IPFS node, or an error after idTimeout.
func (c *Connector) ID(ctx context.Context) (api.IPFSID, error) {
	if c.health.away() {
		return api.IPFSID{}, errAway
	}
	ctx, cancel := context.WithTimeout(ctx, idTimeout)
	defer cancel()
	id, err := c.IPFSConnector.ID(ctx)
	c.suspectAfter(err)
	return id, err
}

// Pin pins, and waits for a node that is away. Its error is about the pin, or the
// context's.
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
	return c.retry(ctx, func() error {
		err := c.pinOnce(ctx, pin)
		if c.observer != nil && ctx.Err() == nil {
			c.observer(pin, err)
		}
		return err
	})
}

// pinOnce makes one attempt to pin and verifies that the node has the pin.
func (c *Connector) pinOnce(ctx context.Context, pin api.Pin) error {
	begun := c.pinCache.begin(pin.Cid)
	if err := c.IPFSConnector.Pin(ctx, pin); err != nil {
		return err
	}
	// A response that the node cuts off looks like success, so the pin is verified.
	status, err := c.IPFSConnector.PinLsCid(ctx, pin)
	switch {
	case err != nil:
		return err
	case !status.IsPinned(pin.MaxDepth):
		return errNotThere
	}
	c.pinCache.store(pin.Cid, status, begun)
	return nil
}

// Unpin unpins, and waits for a node that is away: nothing would retry the unpin later,
// because the pin is not in the state any more.
func (c *Connector) Unpin(ctx context.Context, ci api.Cid) error {
	c.pinCache.invalidate(ci)
	defer c.pinCache.invalidate(ci)
	return c.retry(ctx, func() error { return c.IPFSConnector.Unpin(ctx, ci) })
}

// Verified returns the status that the node has reported within the last second for a CID
// that was pinned then; false for others.
func (c *Connector) Verified(ci api.Cid) (api.IPFSPinStatus, bool) {
	if c.health.away() {
		return api.IPFSPinStatusBug, false
	}
	return c.pinCache.get(ci)
}

// PinLsCid returns the node's status of a pin. A CID that cannot be pinned is unpinned,
// although an older version of the node may have a record of it.
func (c *Connector) PinLsCid(ctx context.Context, pin api.Pin) (api.IPFSPinStatus, error) {
	if c.health.away() {
		return api.IPFSPinStatusError, errAway
	}
	if pinset.CheckCID(pin.Cid.Cid) != nil {
		return api.IPFSPinStatusUnpinned, nil
	}
	status, err := c.IPFSConnector.PinLsCid(ctx, pin)
	c.suspectAfter(err)
	return status, err
}

// BlockGet returns a block, or an error after blockTimeout. It only serves cluster DAGs
// of sharded pins, whose removal waits for it.
func (c *Connector) BlockGet(ctx context.Context, ci api.Cid) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, blockTimeout)
	defer cancel()
	return c.IPFSConnector.BlockGet(ctx, ci)
}

// PinLs sends the node's pins of the given types and closes out. The library's connector
// stops after the first type, so each type is a request of its own. The first type comes
// last: the library's metric of pins is the number of the last request.
func (c *Connector) PinLs(ctx context.Context, types []string, out chan<- api.IPFSPinInfo) error {
	defer close(out)
	if c.health.away() {
		return errAway
	}
	for _, kind := range slices.Backward(types) {
		if err := c.pinLs(ctx, kind, out); err != nil {
			c.suspectAfter(err)
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

// retry waits for the node and calls do. It repeats that when the node was away during
// the call, and a few times when the connection broke.
func (c *Connector) retry(ctx context.Context, do func() error) error {
	for tries := 1; ; tries++ {
		if c.health.away() {
			if err := c.health.wait(ctx); err != nil {
				return err
			}
		}
		outages := c.health.outages.Load()
		err := do()
		if err == nil || ctx.Err() != nil {
			return err
		}
		broken := interrupted(err)
		if !broken && !backoff.Sleep(ctx, recheckDelay) {
			return err
		}
		if c.health.wait(ctx) != nil {
			return err
		}
		away := c.health.outages.Load() != outages
		if !away && (!broken || tries >= maxInterrupted) {
			return err
		}
		if !backoff.Sleep(ctx, backoff.Delay(firstRetryBackoff, maxRetryBackoff, tries)) {
			return err
		}
	}
}

// suspectAfter probes the node after an error, unless the caller has gone away.
func (c *Connector) suspectAfter(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		c.health.suspect()
	}
}

// interrupted reports whether an error is about the connection to the node.
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
	// First: waiting pins and unpins end with the probes, and must not reach a closed component.
	c.health.stop()
	return c.IPFSConnector.Shutdown(ctx)
}

var logger = logging.Logger("pinsvc")

package crdt

import (
	"context"
	"errors"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"golang.org/x/time/rate"
)

const (
	// maxRequestBytes bounds a request on the wire: maxWanted and maxKnown CIDs need a
	// quarter of it.
	maxRequestBytes = 256 << 10
	// maxResponseBytes bounds a response on the wire: maxBytes, one more node, which
	// may be as large as a pin and a batch of the library, and the framing.
	maxResponseBytes = 4 << 20
	// maxServed bounds the calls that are served concurrently, maxPeerServed those of
	// one peer. Further calls are refused.
	maxServed     = 64
	maxPeerServed = 2 * maxCalls
	// Beyond callBurst, calls of one peer are limited to callRate per second. A peer
	// that fetches a whole pinset needs fewer: a call returns up to maxNodes nodes.
	callRate  = 100
	callBurst = 200
	// serveTimeout bounds a call from its first byte to its last one.
	serveTimeout = 2 * callTimeout
	// maxCallers is how many peers' rates are kept.
	maxCallers = 1024
)

var errTooLong = errors.New("the message of the peer is too long")

// boundedHost is a host whose streams of nodesProtocol carry a bounded number of
// bytes to this peer, with bounded calls of each peer. Only what rpc needs goes
// through it.
type boundedHost struct {
	host.Host
	admission *admission // of calls to this peer; nil for a client
}

// NewStream opens a stream that reads one answer.
func (h boundedHost) NewStream(ctx context.Context, p peer.ID, protocols ...protocol.ID) (network.Stream, error) {
	s, err := h.Host.NewStream(ctx, p, protocols...)
	if err != nil {
		return nil, err
	}
	return &boundedStream{Stream: s, left: maxResponseBytes}, nil
}

// SetStreamHandler has a handler called with streams that read one question.
func (h boundedHost) SetStreamHandler(id protocol.ID, handle network.StreamHandler) {
	h.Host.SetStreamHandler(id, func(s network.Stream) {
		p := s.Conn().RemotePeer()
		ctx, cancel := context.WithTimeout(context.Background(), serveTimeout)
		defer cancel()
		if err := h.admission.enter(ctx, p); err != nil {
			h.admission.log.Warnf("a call of %s is refused: %s", p, err)
			_ = s.Reset()
			return
		}
		defer h.admission.leave(p)
		if deadline, ok := ctx.Deadline(); ok {
			_ = s.SetDeadline(deadline) // not every transport has them; calls are counted, too
		}
		handle(&boundedStream{Stream: s, left: maxRequestBytes})
	})
}

// boundedStream reads a bounded number of bytes.
type boundedStream struct {
	network.Stream
	left int
}

// Read implements io.Reader. Beyond the bound it resets the stream, so that the peer stops
// sending.
func (s *boundedStream) Read(to []byte) (int, error) {
	if s.left == 0 {
		_ = s.Reset()
		return 0, errTooLong
	}
	n, err := s.Stream.Read(to[:min(len(to), s.left)])
	s.left -= n
	return n, err
}

var errTooMany = errors.New("too many of them wait")

// admission is a limiter of calls: of their number at a time and of each peer's rate.
type admission struct {
	log *boundedLog

	mu      sync.Mutex
	served  int
	callers map[peer.ID]*caller
}

// caller has the limits of one peer that has called.
type caller struct {
	served int
	rate   *rate.Limiter
}

func newAdmission() *admission {
	return &admission{log: newBoundedLog(), callers: make(map[peer.ID]*caller)}
}

// enter waits until a call may be served. leave must be called after the call.
func (a *admission) enter(ctx context.Context, p peer.ID) error {
	c, err := a.count(p)
	if err != nil {
		return err
	}
	// A call beyond the rate waits, which slows the peer down without an error.
	if err := c.rate.Wait(ctx); err != nil {
		a.leave(p)
		return err
	}
	return nil
}

// count registers a call of a peer, unless there are too many calls in progress.
func (a *admission) count(p peer.ID) (*caller, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, ok := a.callers[p]
	// Refused, not queued: the caller asks another peer, and comes back.
	if a.served >= maxServed || ok && c.served >= maxPeerServed {
		return nil, errTooMany
	}
	if !ok {
		if len(a.callers) >= maxCallers {
			a.prune()
		}
		c = &caller{rate: rate.NewLimiter(callRate, callBurst)}
		a.callers[p] = c
	}
	a.served++
	c.served++
	return c, nil
}

// prune removes peers without a call in progress. The caller holds mu.
func (a *admission) prune() {
	for p, c := range a.callers {
		if c.served == 0 {
			delete(a.callers, p)
		}
	}
}

// leave ends a call that enter has admitted.
func (a *admission) leave(p peer.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.served--
	a.callers[p].served--
}

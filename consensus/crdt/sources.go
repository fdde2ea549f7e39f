package crdt

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// backoffTime is how long no request is sent to a peer that did not answer the last
	// one, unless it announces something.
	backoffTime = 30 * time.Second
	// maxOthers bounds the peers that are asked besides the one that announced a head.
	maxOthers = 3
	// maxCalls bounds the concurrent calls to one peer. A peer accepts twice as many.
	maxCalls = 4
)

// sources returns the peers to be asked for nodes: the one that announced the head, then
// some others. A further attempt (again) includes the announcing peer even during its
// backoff, since only its own changes wait for it.
func (f *fetcher) sources(from peer.ID, again bool) []peer.ID {
	var all []peer.ID
	if f.available(from) || again && from != f.host.ID() && servesNodes(f.host, from) {
		all = append(all, from)
	}
	// Bounded: with hundreds of peers, one that has the nodes is found soon.
	most := len(all) + maxOthers
	for _, p := range f.host.Network().Peers() {
		if len(all) == most {
			break
		}
		if !slices.Contains(all, p) && f.available(p) {
			all = append(all, p)
		}
	}
	return all
}

// available reports whether a peer serves nodesProtocol and is not in backoff.
func (f *fetcher) available(p peer.ID) bool {
	f.mu.Lock()
	until := f.backoffs[p]
	f.mu.Unlock()
	return time.Now().After(until) && p != f.host.ID() && servesNodes(f.host, p)
}

// backOff starts the backoff of a peer that did not answer.
func (f *fetcher) backOff(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.backoffs, func(_ peer.ID, until time.Time) bool { return time.Now().After(until) })
	f.backoffs[p] = time.Now().Add(backoffTime)
}

// resetBackoff ends the backoff of a peer.
func (f *fetcher) resetBackoff(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.backoffs, p)
}

// servesNodes reports whether a peer is known to serve nodesProtocol.
func servesNodes(h host.Host, p peer.ID) bool {
	known, err := h.Peerstore().SupportsProtocols(p, nodesProtocol)
	return err == nil && len(known) > 0
}

// others reports whether connected peers do not serve nodesProtocol: they may have nodes,
// and are asked with bitswap.
func (f *fetcher) others() bool {
	return slices.ContainsFunc(f.host.Network().Peers(), func(p peer.ID) bool { return !servesNodes(f.host, p) })
}

// calls is a semaphore for calls to one peer, with the number of its users.
type calls struct {
	slots chan struct{}
	users int
}

// enter waits until a peer may be called. leave must be called after the call.
func (f *fetcher) enter(ctx context.Context, p peer.ID) (leave func(), err error) {
	f.mu.Lock()
	c, ok := f.calls[p]
	if !ok {
		c = &calls{slots: make(chan struct{}, maxCalls)}
		f.calls[p] = c
	}
	c.users++
	f.mu.Unlock()
	// The semaphore of a peer exists only while it is used.
	end := func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if c.users--; c.users == 0 {
			delete(f.calls, p)
		}
	}
	select {
	case c.slots <- struct{}{}:
		return func() { <-c.slots; end() }, nil
	case <-ctx.Done():
		end()
		return nil, ctx.Err()
	}
}

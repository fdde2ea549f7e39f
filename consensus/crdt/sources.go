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
	// avoidTime is how long a peer that did not answer is not asked again, unless
	// it is heard.
	avoidTime = 30 * time.Second
	// maxOthers is how many peers are asked that did not announce the head.
	maxOthers = 3
	// maxCalls is how many calls to one peer wait for an answer at the same time.
	// The peer accepts twice as many.
	maxCalls = 4
)

// sources are the peers to be asked: the one that has announced a head, then
// some others. A further attempt (again) asks that one although it has not answered
// lately, since only its own changes wait for it.
func (f *fetcher) sources(from peer.ID, again bool) []peer.ID {
	var all []peer.ID
	if f.answers(from) || again && from != f.host.ID() && speaks(f.host, from) {
		all = append(all, from)
	}
	most := len(all) + maxOthers
	for _, p := range f.host.Network().Peers() {
		if len(all) == most {
			break
		}
		if !slices.Contains(all, p) && f.answers(p) {
			all = append(all, p)
		}
	}
	return all
}

// answers reports whether a peer is expected to answer questions.
func (f *fetcher) answers(p peer.ID) bool {
	f.mu.Lock()
	until := f.avoid[p]
	f.mu.Unlock()
	return time.Now().After(until) && p != f.host.ID() && speaks(f.host, p)
}

// shun has a peer not asked for some time.
func (f *fetcher) shun(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.avoid, func(_ peer.ID, until time.Time) bool { return time.Now().After(until) })
	f.avoid[p] = time.Now().Add(avoidTime)
}

// forgive ends that.
func (f *fetcher) forgive(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.avoid, p)
}

// speaks reports whether a peer has said that it answers questions.
func speaks(h host.Host, p peer.ID) bool {
	known, err := h.Peerstore().SupportsProtocols(p, nodesProtocol)
	return err == nil && len(known) > 0
}

// others reports whether peers are connected that do not answer questions, but
// may have nodes.
func (f *fetcher) others() bool {
	return slices.ContainsFunc(f.host.Network().Peers(), func(p peer.ID) bool { return !speaks(f.host, p) })
}

// calls counts those to one peer.
type calls struct {
	slots chan struct{}
	users int
}

// enter waits until a peer may be called. The function that it returns ends the
// call.
func (f *fetcher) enter(ctx context.Context, p peer.ID) (leave func(), err error) {
	f.mu.Lock()
	c, ok := f.calls[p]
	if !ok {
		c = &calls{slots: make(chan struct{}, maxCalls)}
		f.calls[p] = c
	}
	c.users++
	f.mu.Unlock()
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

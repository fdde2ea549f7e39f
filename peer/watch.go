package peer

import (
	"context"
	"fmt"
	"time"
)

// watch tells whoever waits that the peer is ready, or that it cannot go on.
func (b *builder) watch(ctx context.Context) {
	var late <-chan time.Time
	timeout := readyTimeout(b.settings, b.kind)
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-b.consensus.Ready(ctx):
		if !b.gate.pass() {
			return
		}
		close(b.ready)
	case <-late:
		b.giveUp(fmt.Errorf("consensus.%s was not ready after %s: are enough of its peers running and reachable, with the same secret?",
			b.kind, timeout))
		return
	case <-b.cluster.Done():
	case <-ctx.Done():
		return
	}
	select {
	case <-b.cluster.Done():
		b.giveUp(errRemoved)
	case <-ctx.Done():
	}
}

// join bootstraps to the given peers, one after the other. On CRDT a failure
// is not the end: the peers may come back. On Raft, somebody has to vote this
// peer in.
func (b *builder) join(ctx context.Context) {
	var joined int
	var last error
	for _, addr := range b.options.Bootstrap {
		if err := b.cluster.Join(ctx, addr); err != nil {
			last = fmt.Errorf("bootstrapping to %s: %w: is that peer running, at that address, with the same cluster.secret?", addr, err)
			logger.Warn(last)
			continue
		}
		joined++
		logger.Infof("bootstrapped to %s", addr)
	}
	if joined == 0 && last != nil && b.kind == "raft" {
		b.giveUp(last)
	}
}

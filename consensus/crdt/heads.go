package crdt

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"
)

// greet asks each trusted peer that gets connected for its newest nodes. An
// announcement would come with its next write, or when it is repeated, and a
// peer that was away hears of neither until gossip includes it.
func (r *Replica) greet(heard *announced) error {
	met, err := r.options.Host.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted))
	if err != nil {
		return err
	}
	r.work.Go(func() {
		defer met.Close()
		for _, p := range r.options.Host.Network().Peers() {
			heard.askHeads(p)
		}
		for {
			select {
			case e := <-met.Out():
				if e, ok := e.(event.EvtPeerIdentificationCompleted); ok && slices.Contains(e.Protocols, nodesProtocol) {
					heard.askHeads(e.Peer)
				}
			case <-r.life.Done():
				return
			}
		}
	})
	return nil
}

// askHeads asks a peer for its newest nodes, if it can be asked and is trusted. A
// peer that does not answer must not delay others, so it has its own goroutine.
func (a *announced) askHeads(p peer.ID) {
	r := a.replica
	if !r.IsTrustedPeer(r.life, p) || !speaks(r.options.Host, p) {
		return
	}
	r.work.Go(func() {
		heads, err := a.fetch.askHeads(r.life, p)
		if err != nil {
			logger.Debugf("asking %s for its heads: %s", p, err)
			return
		}
		a.hear(heads, p)
	})
}

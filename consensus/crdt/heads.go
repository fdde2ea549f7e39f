package crdt

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"
)

// exchangeHeads requests the heads of each trusted peer when it connects. The peer would
// announce them with its next write, or at the next rebroadcast; and a peer that was
// away receives neither until the gossip mesh includes it.
func (r *Replica) exchangeHeads(announcements *broadcaster) error {
	met, err := r.options.Host.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted))
	if err != nil {
		return err
	}
	r.work.Go(func() {
		defer met.Close()
		// Peers that were connected before the subscription, which made no event for it.
		for _, p := range r.options.Host.Network().Peers() {
			announcements.askHeads(p)
		}
		for {
			select {
			case e := <-met.Out():
				if e, ok := e.(event.EvtPeerIdentificationCompleted); ok && slices.Contains(e.Protocols, nodesProtocol) {
					announcements.askHeads(e.Peer)
				}
			case <-r.life.Done():
				return
			}
		}
	})
	return nil
}

// askHeads requests the heads of a peer that is trusted and serves nodesProtocol. A slow
// peer must not delay others, so each request has a goroutine of its own.
func (a *broadcaster) askHeads(p peer.ID) {
	r := a.replica
	if !r.IsTrustedPeer(r.life, p) || !servesNodes(r.options.Host, p) {
		return
	}
	r.work.Go(func() {
		heads, err := a.fetch.askHeads(r.life, p)
		if err != nil {
			logger.Debugf("asking %s for its heads: %s", p, err)
			return
		}
		a.observe(heads, p)
	})
}

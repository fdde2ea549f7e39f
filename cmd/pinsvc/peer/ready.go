package peer

import "context"

// unready returns why the peer should not be sent requests now.
func (p *Peer) unready(ctx context.Context) []string {
	select {
	case <-p.ready:
	default:
		return []string{"the consensus is not ready"}
	}
	// What follows was set before ready was closed.
	var reasons []string
	if _, err := p.connector.ID(ctx); err != nil {
		reasons = append(reasons, "the IPFS node does not answer")
	}
	return reasons
}

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
	if p.kind == "raft" {
		if _, err := p.local.consensus.Leader(ctx); err != nil {
			reasons = append(reasons, "Raft has no leader, so no write can be accepted: fewer than half of its peers can be reached, or they are electing one")
		}
	}
	if _, err := p.connector.ID(ctx); err != nil {
		reasons = append(reasons, "the IPFS node does not answer")
	}
	if err := p.disk.Room(); err != nil {
		reasons = append(reasons, "the disk is full: "+err.Error())
	}
	if p.view != nil {
		select {
		case <-p.view.Complete():
		default:
			reasons = append(reasons, "the view of the pinset is being built, lists are slow")
		}
	}
	return reasons
}

package peer

import (
	"context"
	"fmt"
	"time"

	"github.com/ipfs-cluster/pinsvc/consensus/crdt"
)

const (
	// stallTime is how long a node of the pinset may take to be applied: some
	// writes to the datastore.
	stallTime = 30 * time.Second
	// warnAfter is how long changes of a peer may be missing before GET /ready
	// says so.
	warnAfter = 10 * time.Second
	// maxWarned is how many peers are named.
	maxWarned = 10
)

// isReady reports whether the peer is put together and its consensus is ready. What
// is set before that can be used then.
func (p *Peer) isReady() bool {
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

// unready returns why the peer should not be sent requests now.
func (p *Peer) unready(ctx context.Context) []string {
	if !p.isReady() {
		return []string{"the consensus is not ready"}
	}
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
	if applying := p.lag().Applying; applying > stallTime {
		reasons = append(reasons, fmt.Sprintf("the changes of other peers are not applied since %s", applying.Round(time.Second)))
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

// warnings returns what an operator should know of a peer that is ready. That
// changes of another peer cannot be had is no reason to send requests elsewhere:
// the others do not have them, either.
func (p *Peer) warnings(context.Context) []string {
	if !p.isReady() {
		return nil
	}
	var all []string
	waiting := p.lag().Waiting
	for i, w := range waiting {
		if time.Since(w.Since) < warnAfter {
			continue
		}
		if i == maxWarned {
			return append(all, fmt.Sprintf("and changes of %d more peers", len(waiting)-i))
		}
		where := "which is connected"
		if !w.Connected {
			where = "which is not connected"
		}
		all = append(all, fmt.Sprintf("changes of peer %s, %s, cannot be had since %s (%d heads): %s",
			w.Peer, where, w.Since.UTC().Format(time.RFC3339), w.Heads, w.Reason))
	}
	return all
}

// lag returns the changes of other peers that are not applied here; none on Raft.
func (p *Peer) lag() crdt.Lag {
	if p.lagging == nil {
		return crdt.Lag{}
	}
	return p.lagging.Lag()
}

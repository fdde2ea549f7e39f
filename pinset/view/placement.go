package view

import (
	"strconv"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// placement says which peers have to hold a pin. There are few different ones, so items
// share them.
type placement struct {
	peers   []string // nil: all members
	least   int      // the minimum replication factor
	sharded bool
	holders []*peerReport // of peers
}

// placements interns placements.
type placements struct {
	all      map[string]*placement
	statuses *statusTable
	buffer   []byte
}

// of returns the placement of a pin of the state. Placements that no pin has any more are
// kept: there are as many as different sets of allocations, which is few.
func (p *placements) of(stored api.Pin) *placement {
	b := strconv.AppendInt(p.buffer[:0], int64(stored.ReplicationFactorMin), 10)
	b = append(b, byte(stored.Type>>8), byte(stored.Type))
	everywhere := stored.IsPinEverywhere()
	if !everywhere {
		for _, id := range stored.Allocations {
			b = append(append(b, byte(len(id))), id...)
		}
	}
	p.buffer = b
	if at, ok := p.all[string(b)]; ok {
		return at
	}
	at := &placement{least: stored.ReplicationFactorMin, sharded: stored.Type == api.MetaType}
	if !everywhere {
		at.peers = api.PeersToStrings(stored.Allocations)
	}
	if len(at.peers) == 0 {
		at.peers = nil
	}
	for _, id := range at.peers {
		at.holders = append(at.holders, p.statuses.report(id))
	}
	p.all[string(b)] = at
	return at
}

package view

import (
	"strconv"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// places shares the values for where pins are held.
type places struct {
	all    map[string]*place
	board  *board
	buffer []byte
}

// of returns where an entry of the state is held.
func (p *places) of(stored api.Pin) *place {
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
	at := &place{least: stored.ReplicationFactorMin, sharded: stored.Type == api.MetaType}
	if !everywhere {
		at.peers = api.PeersToStrings(stored.Allocations)
	}
	if len(at.peers) == 0 {
		at.peers = nil
	}
	for _, id := range at.peers {
		at.holders = append(at.holders, p.board.answer(id))
	}
	p.all[string(b)] = at
	return at
}

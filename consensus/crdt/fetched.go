package crdt

import (
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
)

// fetched is the result of an attempt to fetch heads and their ancestors.
type fetched struct {
	from  peer.ID // the peer that announced the heads
	again bool    // it is not the first attempt

	nodes    graph     // local nodes that are not applied
	absent   []cid.Cid // nodes that no peer has sent
	received int       // nodes that peers sent

	asked, answered int   // peers
	lacking         bool  // the announcing peer answers, and does not have an absent node itself
	err             error // of the datastore: nothing else is set then
}

// reason says in words why nodes are absent.
func (g *fetched) reason() string {
	// The first absent node is enough for an operator: the others are mostly its ancestors.
	switch {
	case g.err != nil:
		return g.err.Error()
	case len(g.absent) == 0:
		return "nothing is missing"
	case g.answered > 0:
		return fmt.Sprintf("node %s, which they need, is at none of the %s that answered", g.absent[0], peers(g.answered))
	case g.asked > 0:
		return fmt.Sprintf("none of the %s that were asked for node %s, which they need, answered", peers(g.asked), g.absent[0])
	}
	return fmt.Sprintf("no peer is connected that sends node %s, which they need", g.absent[0])
}

// peers returns a number of peers in words.
func peers(n int) string {
	if n == 1 {
		return "1 peer"
	}
	return fmt.Sprintf("%d peers", n)
}

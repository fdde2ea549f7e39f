package crdt

import (
	"fmt"

	"github.com/ipfs/go-cid"
)

// fetched is the result of an attempt to fetch heads and their ancestors.
type fetched struct {
	nodes  graph     // all that are here and not applied
	absent []cid.Cid // nodes that are wanted and could not be had
	came   int       // nodes that peers sent

	asked, answered int   // peers
	lacking         bool  // the announcing peer answers, and does not have an absent node itself
	err             error // of the datastore: nothing else is set then
}

// reason says in words why nodes are absent.
func (g *fetched) reason() string {
	switch {
	case g.err != nil:
		return g.err.Error()
	case len(g.absent) == 0:
		return "nothing is missing"
	case g.answered > 0:
		return fmt.Sprintf("node %s, which they need, is at none of the %d peers that answered", g.absent[0], g.answered)
	case g.asked > 0:
		return fmt.Sprintf("none of the %d peers that were asked for node %s, which they need, answered", g.asked, g.absent[0])
	}
	return fmt.Sprintf("no peer is connected that sends node %s, which they need", g.absent[0])
}

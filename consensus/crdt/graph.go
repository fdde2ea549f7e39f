package crdt

import (
	"slices"

	"github.com/ipfs/go-cid"
)

// graph maps nodes of the DAG to their parents, the nodes that they link to.
type graph map[cid.Cid][]cid.Cid

// order returns heads and their ancestors in topological order, ancestors first.
func (g graph) order(heads []cid.Cid) []cid.Cid {
	var all []cid.Cid
	done := make(map[cid.Cid]struct{}, len(g))
	// Depth first without recursion: a node stays on the stack until all its parents are done.
	for stack := append([]cid.Cid(nil), heads...); len(stack) > 0; {
		c := stack[len(stack)-1]
		links, ok := g[c]
		if _, before := done[c]; before || !ok {
			stack = stack[:len(stack)-1]
			continue
		}
		waits := false
		for _, l := range links {
			_, known := g[l]
			if _, before := done[l]; known && !before {
				stack = append(stack, l)
				waits = true
			}
		}
		if !waits {
			stack = stack[:len(stack)-1]
			done[c] = struct{}{}
			all = append(all, c)
		}
	}
	return all
}

// complete returns heads and their ancestors in topological order, without the nodes that
// have an absent ancestor. broken are the heads that have one.
func (g graph) complete(heads, absent []cid.Cid) (nodes []cid.Cid, broken *cid.Set) {
	lacking := cid.NewSet()
	for _, c := range absent {
		lacking.Add(c)
	}
	for _, c := range g.order(heads) {
		if slices.ContainsFunc(g[c], lacking.Has) {
			lacking.Add(c)
		} else {
			nodes = append(nodes, c)
		}
	}
	broken = cid.NewSet()
	for _, c := range heads {
		if lacking.Has(c) {
			broken.Add(c)
		}
	}
	return nodes, broken
}

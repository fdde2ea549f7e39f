package replica

import "github.com/ipfs/go-cid"

// graph has some nodes of the DAG, with the ones that each stands on.
type graph map[cid.Cid][]cid.Cid

// order returns the nodes of the graph that are below the given ones, and
// these, each after those that it stands on.
func (g graph) order(heads []cid.Cid) []cid.Cid {
	var all []cid.Cid
	done := make(map[cid.Cid]struct{}, len(g))
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

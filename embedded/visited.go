package embedded

import (
	"math"

	"github.com/ipfs/go-cid"
)

// unlimited is the depth of a walk that follows all links.
const unlimited = math.MaxInt32

// visited remembers which nodes a walk has seen, and how many levels of links
// were still to be followed there: a node that comes up again nearer to the
// root of a depth-limited walk has to be entered again. It costs about 40 bytes
// a node. Not safe for concurrent use.
type visited struct {
	hash  hasher
	kinds []uint64 // codecs seen; few, so the map's key holds an index
	nodes map[visit]int32
}

// visit is one node: the same bytes read by another codec are another node.
type visit struct {
	key  blockKey
	kind uint32
}

func newVisited(h hasher) *visited {
	return &visited{hash: h, nodes: make(map[visit]int32)}
}

// enter notes c, below which left levels of links are to be followed. first is
// true when c was never seen; follow when its links were not yet followed that
// deep.
func (v *visited) enter(c cid.Cid, left int32) (first, follow bool) {
	k := visit{key: v.hash.key(c.Hash()), kind: v.kind(c.Type())}
	old, seen := v.nodes[k]
	if seen && old >= left {
		return false, false
	}
	v.nodes[k] = left
	return !seen, true
}

// covers reports whether the links of c were followed that deep.
func (v *visited) covers(c cid.Cid, left int32) bool {
	old, seen := v.nodes[visit{key: v.hash.key(c.Hash()), kind: v.kind(c.Type())}]
	return seen && old >= left
}

// absorb takes over the nodes of another set of the same hasher, with their
// links as followed.
func (v *visited) absorb(o *visited) {
	kinds := make([]uint32, len(o.kinds))
	for i, codec := range o.kinds {
		kinds[i] = v.kind(codec)
	}
	for k, left := range o.nodes {
		k.kind = kinds[k.kind]
		if old, ok := v.nodes[k]; !ok || old < left {
			v.nodes[k] = left
		}
	}
}

// has says whether any node of that block was seen.
func (v *visited) has(k blockKey) bool {
	for i := range v.kinds {
		if _, ok := v.nodes[visit{key: k, kind: uint32(i)}]; ok {
			return true
		}
	}
	return false
}

// merge takes over the nodes of another set of the same hasher as seen, but
// none of their links as followed.
func (v *visited) merge(o *visited) {
	kinds := make([]uint32, len(o.kinds))
	for i, codec := range o.kinds {
		kinds[i] = v.kind(codec)
	}
	for k := range o.nodes {
		k.kind = kinds[k.kind]
		if _, ok := v.nodes[k]; !ok {
			v.nodes[k] = -1
		}
	}
}

func (v *visited) kind(codec uint64) uint32 {
	for i, k := range v.kinds {
		if k == codec {
			return uint32(i)
		}
	}
	v.kinds = append(v.kinds, codec)
	return uint32(len(v.kinds) - 1)
}

// below is the number of levels to follow one level further down.
func below(left int32) int32 {
	if left == unlimited {
		return unlimited
	}
	return left - 1
}

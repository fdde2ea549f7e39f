package storage

import (
	"math"

	"github.com/ipfs/go-cid"
)

// Unlimited is the depth of a walk that follows all links.
const Unlimited = math.MaxInt32

// Visited remembers which nodes a walk has seen, and how many levels of links
// were still to be followed there: a node that comes up again nearer to the
// root of a depth-limited walk has to be entered again. It costs about 40 bytes
// a node. Not safe for concurrent use.
type Visited struct {
	Hash  Hasher
	kinds []uint64 // codecs seen; few, so the map's key holds an index
	Nodes map[visit]int32
}

// visit is one node: the same bytes read by another codec are another node.
type visit struct {
	key  BlockKey
	kind uint32
}

// NewVisited returns an empty set. Only sets of the same hasher can be merged.
func NewVisited(h Hasher) *Visited {
	return &Visited{Hash: h, Nodes: make(map[visit]int32)}
}

// Enter notes c, below which left levels of links are to be followed. first is
// true when c was never seen; follow when its links were not yet followed that
// deep.
func (v *Visited) Enter(c cid.Cid, left int32) (first, follow bool) {
	k := visit{key: v.Hash.Key(c.Hash()), kind: v.kind(c.Type())}
	old, seen := v.Nodes[k]
	if seen && old >= left {
		return false, false
	}
	v.Nodes[k] = left
	return !seen, true
}

// Covers reports whether the links of c were followed that deep.
func (v *Visited) Covers(c cid.Cid, left int32) bool {
	old, seen := v.Nodes[visit{key: v.Hash.Key(c.Hash()), kind: v.kind(c.Type())}]
	return seen && old >= left
}

// Absorb takes over the nodes of another set of the same hasher, with their
// links as followed.
func (v *Visited) Absorb(o *Visited) {
	kinds := make([]uint32, len(o.kinds))
	for i, codec := range o.kinds {
		kinds[i] = v.kind(codec)
	}
	for k, left := range o.Nodes {
		k.kind = kinds[k.kind]
		if old, ok := v.Nodes[k]; !ok || old < left {
			v.Nodes[k] = left
		}
	}
}

// Has reports whether any node of that block was seen, with whatever codec: the sweep
// of a garbage collection has multihashes only.
func (v *Visited) Has(k BlockKey) bool {
	for i := range v.kinds {
		if _, ok := v.Nodes[visit{key: k, kind: uint32(i)}]; ok {
			return true
		}
	}
	return false
}

// Merge takes over the nodes of another set of the same hasher as seen, but
// none of their links as followed.
func (v *Visited) Merge(o *Visited) {
	kinds := make([]uint32, len(o.kinds))
	for i, codec := range o.kinds {
		kinds[i] = v.kind(codec)
	}
	for k := range o.Nodes {
		k.kind = kinds[k.kind]
		if _, ok := v.Nodes[k]; !ok {
			v.Nodes[k] = -1
		}
	}
}

func (v *Visited) kind(codec uint64) uint32 {
	for i, k := range v.kinds {
		if k == codec {
			return uint32(i)
		}
	}
	v.kinds = append(v.kinds, codec)
	return uint32(len(v.kinds) - 1)
}

// Below is the number of levels to follow one level further down.
func Below(left int32) int32 {
	if left == Unlimited {
		return Unlimited
	}
	return left - 1
}

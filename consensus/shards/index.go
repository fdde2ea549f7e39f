package shards

import (
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// cids is a set.
type cids = map[api.Cid]struct{}

// index has the roots and parts that were observed in the state. It may have entries that
// are not in the state any more, so its results are compared with the state.
type index struct {
	roots  map[api.Cid]*root
	dags   map[api.Cid]*dag
	unread cids // cluster DAGs whose blocks have not been read
	shards map[api.Cid]*part
}

// part is a shard or a cluster DAG.
type part struct {
	orphan  time.Time // when it was first found to have no root; zero when it has one
	parents cids      // of a shard: cluster DAGs that link to it; of a cluster DAG: roots
}

// dag is a cluster DAG, which may be missing in the state: then a root refers to it.
type dag struct {
	part
	shards []api.Cid // in order; nil when its blocks have not been read
}

// root is a meta pin.
type root struct {
	dag     api.Cid
	checked bool
	lack    string    // why it is not complete, "" when it is
	since   time.Time // when lack was found
}

func newIndex() index {
	return index{make(map[api.Cid]*root), make(map[api.Cid]*dag), make(cids), make(map[api.Cid]*part)}
}

// note adds a root or part to the index.
func (x *index) note(p api.Pin) {
	switch {
	case isRoot(p):
		x.noteRoot(p.Cid, *p.Reference)
	case p.Type == api.ClusterDAGType:
		x.dag(p.Cid)
	case p.Type == api.ShardType:
		x.shard(p.Cid)
	}
}

// noteRoot adds a root, or changes its cluster DAG: then it must be checked again, as a new
// one.
func (x *index) noteRoot(c, ref api.Cid) {
	old, ok := x.roots[c]
	if ok && old.dag == ref {
		return
	}
	if ok {
		delete(x.dag(old.dag).parents, c)
	}
	x.roots[c] = &root{dag: ref}
	x.dag(ref).parents[c] = struct{}{}
}

// dag returns the entry of a cluster DAG, a new one if there is none.
func (x *index) dag(c api.Cid) *dag {
	d, ok := x.dags[c]
	if !ok {
		d = &dag{part: part{parents: make(cids)}}
		x.dags[c] = d
		x.unread[c] = struct{}{}
	}
	return d
}

// shard returns the entry of a shard, a new one if there is none.
func (x *index) shard(c api.Cid) *part {
	s, ok := x.shards[c]
	if !ok {
		s = &part{parents: make(cids)}
		x.shards[c] = s
	}
	return s
}

// linked sets the shards of a cluster DAG, in their order.
func (x *index) linked(c api.Cid, shards []api.Cid) {
	x.dag(c).shards = shards
	delete(x.unread, c)
	for _, s := range shards {
		x.shard(s).parents[c] = struct{}{}
	}
}

// forgetRoot removes a root and its reference to a cluster DAG.
func (x *index) forgetRoot(c api.Cid) {
	if r, ok := x.roots[c]; ok {
		delete(x.roots, c)
		delete(x.dag(r.dag).parents, c)
	}
}

// forgetPart removes a part that is not in the state, unless a root or cluster DAG refers
// to it.
func (x *index) forgetPart(c api.Cid) {
	if d, ok := x.dags[c]; ok && len(d.parents) == 0 {
		for _, s := range d.shards {
			if p, ok := x.shards[s]; ok {
				delete(p.parents, c)
			}
		}
		delete(x.dags, c)
		delete(x.unread, c)
	}
	if s, ok := x.shards[c]; ok && len(s.parents) == 0 {
		delete(x.shards, c)
	}
}

// rootsOf returns the roots whose cluster DAG is c, or links to c.
func (x *index) rootsOf(c api.Cid) []api.Cid {
	found := make(cids)
	add := func(d *dag) {
		for r := range d.parents {
			found[r] = struct{}{}
		}
	}
	if d, ok := x.dags[c]; ok {
		add(d)
	}
	if s, ok := x.shards[c]; ok {
		for parent := range s.parents {
			add(x.dag(parent))
		}
	}
	out := make([]api.Cid, 0, len(found))
	for r := range found {
		out = append(out, r)
	}
	return out
}

// known returns the entry of a part, a new one if there is none.
func (x *index) known(p api.Pin) *part {
	if p.Type == api.ClusterDAGType {
		return &x.dag(p.Cid).part
	}
	return x.shard(p.Cid)
}

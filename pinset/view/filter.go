package view

import (
	"math"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// filter is a pinset.Selection prepared for matching items: times are milliseconds, as items
// have them, and meta is encoded as theirs.
type filter struct {
	name          *pinset.Name // nil: any
	exact         bool         // text is the only name that matches
	text          string
	meta          string // encoded, "": any
	before, after int64  // exclusive, milliseconds
	wanted        status
	max           int
	large         func(cid.Cid) string // reads meta that the index does not have
}

func newFilter(s pinset.Selection) *filter {
	f := &filter{name: s.Name, meta: string(encodeMeta(s.Meta)), before: math.MaxInt64, after: math.MinInt64, max: s.Max}
	if s.Name != nil {
		f.text, f.exact = s.Name.Exactly()
	}
	if !s.Before.IsZero() {
		f.before = s.Before.UnixMilli()
	}
	if !s.After.IsZero() {
		f.after = s.After.UnixMilli()
	}
	for _, st := range s.Statuses {
		f.wanted |= bitOf(st)
	}
	return f
}

// plain reports whether every item of the filter's span matches, statuses aside.
func (f *filter) plain() bool { return f.meta == "" && (f.name == nil || f.exact) }

// matches reports whether the name and meta of an item of the filter's span match.
func (f *filter) matches(it *item) bool {
	if f.meta != "" {
		encoded := it.meta()
		if it.large() {
			encoded = f.large(it.cid())
		}
		if !hasMeta(encoded, f.meta) {
			return false
		}
	}
	return f.name == nil || f.exact || f.name.Matches(it.name())
}

// within reports whether an item is in the filter's span.
func (f *filter) within(it *item) bool {
	return it.created < f.before && it.created > f.after && (!f.exact || it.name() == f.text)
}

// span narrows a filter down to neighbours in one tree: an exact name is a part of the tree of
// names, which has list order within a name, and everything else a part of the tree in list
// order. It returns the tree in whose order the filter is applied, and the positions of the
// items that can match: [from, to).
func (f *filter) span(s *snapshot) (t *tree, from, to int) {
	if !f.exact {
		from, to = f.created(s.byCreated)
		return s.byCreated, from, to
	}
	t = s.byName
	from = rank(t, func(it *item) bool {
		name := it.name()
		return name > f.text || name == f.text && it.created < f.before
	})
	to = rank(t, func(it *item) bool {
		name := it.name()
		return name > f.text || name == f.text && it.created <= f.after
	})
	return t, from, max(from, to)
}

// created returns the positions, in a tree in list order, of the items between after and
// before.
func (f *filter) created(t *tree) (from, to int) {
	from = rank(t, func(it *item) bool { return it.created < f.before })
	to = rank(t, func(it *item) bool { return it.created <= f.after })
	return from, max(from, to)
}

// candidate returns the item as pinset.Selected has it.
func (it *item) candidate() pinset.Candidate {
	return pinset.Candidate{CID: it.cid(), Created: it.createdAt()}
}

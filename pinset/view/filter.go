package view

import (
	"math"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// filter is a selection in the terms of items.
type filter struct {
	name          *pinset.Name // nil: any
	exact         bool         // only one name passes
	text          string       // that
	meta          string       // encoded, "": any
	before, after int64        // exclusive, milliseconds
	wanted        status
	max           int
	large         func(cid.Cid) string // the encoded meta of a pin that has a lot
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

// plain tells whether every item of the filter's range passes it.
func (f *filter) plain() bool { return f.meta == "" && (f.name == nil || f.exact) }

// matches tells whether an item of the filter's range passes what is asked of
// its name and meta.
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

// within tells whether an item is in the filter's range.
func (f *filter) within(it *item) bool {
	return it.created < f.before && it.created > f.after && (!f.exact || it.name() == f.text)
}

// span returns the tree that a list goes through, and which part of it.
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

// created returns which part of a tree in the order of lists is between before
// and after.
func (f *filter) created(t *tree) (from, to int) {
	from = rank(t, func(it *item) bool { return it.created < f.before })
	to = rank(t, func(it *item) bool { return it.created <= f.after })
	return from, max(from, to)
}

// candidate returns an item for a page.
func (it *item) candidate() pinset.Candidate {
	return pinset.Candidate{CID: it.cid(), Created: it.createdAt()}
}

package view

import (
	"context"
	"runtime"

	"github.com/ipfs/go-cid"
	"github.com/tidwall/btree"

	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
)

// snapshot is the pinset of one moment. Nobody changes it.
type snapshot struct {
	byCreated, byName *tree
	others            *exceptions     // what is not pinned
	unsure            map[*place]bool // where any pin may be in any state
}

// Select implements pinsvcapi.Cluster.
func (v *View) Select(ctx context.Context, s pinsvcapi.Selection) (pinsvcapi.Selected, error) {
	if !v.built(ctx) {
		return v.Source.Select(ctx, s)
	}
	v.fresh(ctx)
	f := newFilter(s)
	f.large = func(c cid.Cid) map[string]string {
		stored, err := v.stored(ctx, c)
		if err != nil {
			logger.Warnf("view of the pinset: reading %s: %s", c, err)
		}
		return stored.Metadata
	}
	found := v.known().find(f)
	selected := pinsvcapi.Selected{Count: found.count, First: make([]pinsvcapi.Candidate, len(found.first))}
	for i, it := range found.first {
		selected.First[i] = it.candidate()
	}
	return selected, ctx.Err()
}

// built waits for the view to be built: a scan of the list's own would not be
// faster. It returns false when that fails.
func (v *View) built(ctx context.Context) bool {
	select {
	case <-v.tried:
	case <-v.ctx.Done():
	case <-ctx.Done():
	}
	select {
	case <-v.complete:
		return true
	default:
		return false
	}
}

// found is what passes a filter.
type found struct {
	count int
	first []*item // the first of them, at most max
}

func (f *found) add(it *item, most int) {
	if f.count++; len(f.first) < most {
		f.first = append(f.first, it)
	}
}

// find returns what passes a filter, in the cheapest way.
func (s *snapshot) find(f *filter) found {
	switch t, from, to := f.span(s); {
	case s.unsure == nil && f.wanted&pinned == 0:
		return s.findOthers(f)
	case f.plain() && (f.wanted == anyStatus || s.unsure == nil && s.others.Len() == 0):
		return found{to - from, page(t, from, min(to-from, f.max))}
	case f.plain() && s.unsure == nil && t == s.byCreated:
		return s.findPinned(f, from, to)
	default:
		return s.findAny(f, t, from, to)
	}
}

// page returns some items of a tree.
func page(t *tree, from, n int) []*item {
	items := make([]*item, 0, n)
	each(t, from, n, func(it *item) { items = append(items, it) })
	return items
}

// each calls fn for n items of a tree.
func each(t *tree, from, n int, fn func(*item)) {
	first, ok := t.GetAt(from)
	if !ok || n <= 0 {
		return
	}
	t.Ascend(first, func(it *item) bool {
		fn(it)
		n--
		return n > 0
	})
}

// findOthers finds what is not pinned.
func (s *snapshot) findOthers(f *filter) (out found) {
	s.eachOther(f, func(e exception) {
		if e.status&f.wanted != 0 {
			out.add(e.item, f.max)
		}
	})
	return out
}

// eachOther calls fn for each pin that is not pinned and passes the rest of a
// filter.
func (s *snapshot) eachOther(f *filter, fn func(exception)) {
	visit := func(e exception) bool {
		if e.created <= f.after {
			return false
		}
		if f.within(e.item) && f.matches(e.item) {
			fn(e)
		}
		return true
	}
	if first, ok := s.byCreated.GetAt(rank(s.byCreated, func(it *item) bool { return it.created < f.before })); ok {
		s.others.Ascend(exception{first, 0}, visit)
	}
}

// findPinned finds what is pinned, or not pinned in a wanted way, when nothing
// else is asked: only what is not wanted has to be counted.
func (s *snapshot) findPinned(f *filter, from, to int) found {
	out := found{count: to - from}
	s.eachOther(f, func(e exception) {
		if e.status&f.wanted == 0 {
			out.count--
		}
	})
	first, ok := s.byCreated.GetAt(from)
	if !ok || out.count == 0 {
		return out
	}
	others := s.follow(first)
	s.byCreated.Ascend(first, func(it *item) bool {
		if it.created <= f.after || len(out.first) == min(f.max, out.count) {
			return false
		}
		if others.status(it)&f.wanted != 0 {
			out.first = append(out.first, it)
		}
		return true
	})
	return out
}

// leastShare is how many items are worth a goroutine.
const leastShare = 10_000

// findAny goes through all items of a span, on all processors.
func (s *snapshot) findAny(f *filter, t *tree, from, to int) found {
	n := to - from
	parts := max(1, min(runtime.GOMAXPROCS(0), n/leastShare))
	results := make([]found, parts)
	pinsvcapi.Parallel(parts, parts, func(i int) {
		results[i] = s.findPart(f, t, from+n*i/parts, from+n*(i+1)/parts)
	})
	out := results[0]
	for _, r := range results[1:] {
		out.count += r.count
		out.first = append(out.first, r.first[:min(len(r.first), f.max-len(out.first))]...)
	}
	return out
}

func (s *snapshot) findPart(f *filter, t *tree, from, to int) (out found) {
	first, ok := t.GetAt(from)
	if !ok || from == to {
		return out
	}
	others := s.follow(first)
	each(t, from, to-from, func(it *item) {
		if f.matches(it) && (s.unsure[it.place] || others.status(it)&f.wanted != 0) {
			out.add(it, f.max)
		}
	})
	return out
}

// beside goes through the exceptions beside items in the same order.
type beside struct {
	iter btree.IterG[exception]
	more bool
}

// follow begins beside an item.
func (s *snapshot) follow(first *item) *beside {
	b := &beside{}
	if s.others.Len() > 0 {
		b.iter = s.others.Iter()
		b.more = b.iter.Seek(exception{first, 0})
	}
	return b
}

// status returns the status of an item, which comes after the last one.
func (b *beside) status(it *item) status {
	for b.more {
		e := b.iter.Item()
		if e.item == it {
			return e.status
		}
		if newestFirst(e.item, it) > 0 {
			break
		}
		b.more = b.iter.Next()
	}
	return pinned
}

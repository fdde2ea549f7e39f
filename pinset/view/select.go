package view

import (
	"context"
	"runtime"
	"slices"
	"sort"
	"sync"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// snapshot is the pinset of one moment. Nobody changes it.
type snapshot struct {
	byCreated, byName *tree
	others            *exceptions     // what is not pinned
	unsure            map[*place]bool // where any pin may be in any state
	blind             bool            // that is everywhere
}

// Select implements pinsvcapi.Cluster.
func (v *View) Select(ctx context.Context, s pinset.Selection) (pinset.Selected, error) {
	if !v.built(ctx) {
		return v.Source.Select(ctx, s)
	}
	v.fresh(ctx)
	f := newFilter(s)
	var once sync.Once
	var refused error // there was no room to read a pin
	f.large = func(c cid.Cid) string {
		meta, err := v.largeMeta(ctx, c)
		if err != nil {
			once.Do(func() { refused = err })
		}
		return meta
	}
	found := v.known().find(f)
	if refused != nil {
		return pinset.Selected{}, refused // it is not known what matches
	}
	selected := pinset.Selected{Count: found.count, First: make([]pinset.Candidate, len(found.first))}
	for i, it := range found.first {
		selected.First[i] = it.candidate()
	}
	return selected, ctx.Err()
}

// largeMeta reads the meta of a pin that has a lot, and encodes it. It returns an
// error when there is no room to do so. An entry that cannot be read has no meta.
func (v *View) largeMeta(ctx context.Context, c cid.Cid) (string, error) {
	done, err := v.options.Memory.Work(ctx, largeRoom)
	if err != nil {
		return "", err
	}
	defer done()
	stored, err := v.stored(ctx, c)
	if err != nil {
		logger.Warnf("view of the pinset: reading %s: %s", c, err)
	}
	return string(encodeMeta(stored.Metadata)), nil
}

// largeRoom is how many bytes a large pin takes while its meta is looked at: as it
// is stored, decoded, and encoded for the filter.
const largeRoom = 4 << 20

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
	case f.plain() && (s.blind || f.wanted == anyStatus || s.unsure == nil && s.others.len() == 0 && f.wanted&pinned != 0):
		return found{to - from, page(t, from, min(to-from, f.max))}
	case s.unsure == nil && f.wanted&pinned == 0:
		return s.findOthers(f)
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
	for _, e := range s.others.of(f.wanted) {
		from, to := f.created(e.pins)
		one := found{count: to - from}
		if f.plain() && !f.exact {
			one.first = page(e.pins, from, min(to-from, f.max))
		} else {
			one = findMatches(f, e.pins, from, to)
		}
		out.count += one.count
		out.first = append(out.first, one.first...)
	}
	slices.SortFunc(out.first, newestFirst)
	out.first = out.first[:min(len(out.first), f.max)]
	return out
}

func findMatches(f *filter, t *tree, from, to int) (out found) {
	each(t, from, to-from, func(it *item) {
		if f.within(it) && f.matches(it) {
			out.add(it, f.max)
		}
	})
	return out
}

// leapFrom is how many items are passed over one by one.
const leapFrom = 1000

// findPinned finds what is pinned, or not pinned in a wanted way, when nothing
// else is asked: what is not wanted is counted, and passed over in leaps, for
// it may be a hundred thousand pins in a row.
func (s *snapshot) findPinned(f *filter, from, to int) found {
	unwanted := s.others.of(anyStatus &^ f.wanted)
	out := found{count: to - from}
	for _, e := range unwanted {
		first, last := f.created(e.pins)
		out.count -= last - first
	}
	most := min(f.max, out.count)
	for at := from; at < to && len(out.first) < most; at = s.leap(unwanted, at, to) {
		at += s.walk(f, at, to, most, &out.first)
	}
	return out
}

// walk appends wanted items to a page until it is full or too many in a row are
// not wanted. It returns how many items it has seen.
func (s *snapshot) walk(f *filter, from, to, most int, first *[]*item) (seen int) {
	start, _ := s.byCreated.GetAt(from)
	others := s.others.follow(start)
	inRow := 0
	s.byCreated.Ascend(start, func(it *item) bool {
		if others.status(it)&f.wanted != 0 {
			*first = append(*first, it)
			inRow = 0
		} else {
			inRow++
		}
		seen++
		return len(*first) < most && inRow < leapFrom && from+seen < to
	})
	return seen
}

// leap returns the first position of a span whose item has none of the unwanted
// statuses, its end if there is none.
func (s *snapshot) leap(unwanted []exception, from, to int) int {
	before := func(at int) (n int) {
		it, ok := s.byCreated.GetAt(at)
		for _, e := range unwanted {
			if !ok {
				n += e.pins.Len()
				continue
			}
			n += rank(e.pins, func(other *item) bool { return newestFirst(other, it) >= 0 })
		}
		return n
	}
	start := before(from)
	// As long as all are unwanted, there are as many of them as positions.
	return from + sort.Search(to-from, func(n int) bool { return before(from+n+1)-start < n+1 })
}

// leastShare is how many items are worth a goroutine.
const leastShare = 10_000

// findAny goes through all items of a span, on all processors.
func (s *snapshot) findAny(f *filter, t *tree, from, to int) found {
	n := to - from
	parts := max(1, min(runtime.GOMAXPROCS(0), n/leastShare))
	results := make([]found, parts)
	pinset.Parallel(parts, parts, func(i int) {
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
	others := s.others.follow(first)
	each(t, from, to-from, func(it *item) {
		if f.matches(it) && (s.unsure[it.place] || others.status(it)&f.wanted != 0) {
			out.add(it, f.max)
		}
	})
	return out
}

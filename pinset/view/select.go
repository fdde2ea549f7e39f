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

// snapshot is an immutable copy of the pinset at one time.
type snapshot struct {
	byCreated, byName *tree
	unpinned          *unpinnedIndex      // the pins that are not pinned
	uncertain         map[*placement]bool // placements whose pins may have any status
	allUncertain      bool                // all placements
}

// Select implements pinset.Cluster.
func (v *View) Select(ctx context.Context, s pinset.Selection) (pinset.Selected, error) {
	if !v.built(ctx) {
		return v.Source.Select(ctx, s)
	}
	v.pollIfDue(ctx)
	f := newFilter(s)
	var once sync.Once
	var refused error // the budget had no room to read a large pin
	f.large = func(c cid.Cid) string {
		meta, err := v.largeMeta(ctx, c)
		if err != nil {
			once.Do(func() { refused = err })
		}
		return meta
	}
	found := v.snapshot().find(f)
	if refused != nil {
		return pinset.Selected{}, refused // the count would be wrong
	}
	selected := pinset.Selected{Count: found.count, First: make([]pinset.Candidate, len(found.first))}
	for i, it := range found.first {
		selected.First[i] = it.candidate()
	}
	return selected, ctx.Err()
}

// largeMeta reads and encodes meta that is too large for the index. It fails when the
// budget has no room. An entry that cannot be read has no meta.
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

// largeRoom is the memory in bytes that matching a large pin takes: stored, decoded and
// encoded for the filter.
const largeRoom = 4 << 20

// built waits for the index, since a scan for this list alone would not be faster. It
// returns false if building has failed or the context ends.
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

// found is the result of a filter. The items are of the snapshot: a page that reads them later
// reads the pins of that moment.
type found struct {
	count int
	first []*item // the first matches, at most filter.max
}

func (f *found) add(it *item, limit int) {
	if f.count++; len(f.first) < limit {
		f.first = append(f.first, it)
	}
}

// find applies a filter with the cheapest of its algorithms:
//
//   - When statuses do not matter, or every pin is known to be pinned, a page is a part of
//     the span, and the count its length.
//   - When only unpinned pins are wanted, the index of these is all there is to visit.
//   - When the filter has nothing but statuses and times, the count is that of the span less
//     the unwanted, and the page is found by merging two orders.
//   - Otherwise every item of the span is tested.
//
// While a peer has just started, its pins may have any status: such placements are listed
// under every status, and only the last algorithm knows them one by one.
func (s *snapshot) find(f *filter) found {
	switch t, from, to := f.span(s); {
	case f.plain() && (s.allUncertain || f.wanted == anyStatus || s.uncertain == nil && s.unpinned.len() == 0 && f.wanted&pinned != 0):
		return found{to - from, page(t, from, min(to-from, f.max))}
	case s.uncertain == nil && f.wanted&pinned == 0:
		return s.findUnpinned(f)
	case f.plain() && s.uncertain == nil && t == s.byCreated:
		return s.findPinned(f, from, to)
	default:
		return s.findAny(f, t, from, to)
	}
}

// page returns n items of a tree from a position on.
func page(t *tree, from, n int) []*item {
	items := make([]*item, 0, n)
	each(t, from, n, func(it *item) { items = append(items, it) })
	return items
}

// each calls fn for n items of a tree from a position on.
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

// findUnpinned lists only the sets of unpinned pins.
func (s *snapshot) findUnpinned(f *filter) (out found) {
	for _, e := range s.unpinned.of(f.wanted) {
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

// leapThreshold is after how many unwanted items in a row findPinned skips by position.
const leapThreshold = 1000

// findPinned lists by status alone, pinned included. The count is that of the span less
// the unwanted sets. Long runs of unwanted pins, such as a hundred thousand queued ones,
// are skipped with a binary search.
func (s *snapshot) findPinned(f *filter, from, to int) found {
	unwanted := s.unpinned.of(anyStatus &^ f.wanted)
	out := found{count: to - from}
	for _, e := range unwanted {
		first, last := f.created(e.pins)
		out.count -= last - first
	}
	limit := min(f.max, out.count)
	out.first = make([]*item, 0, limit)
	for at := from; at < to && len(out.first) < limit; at = s.leap(unwanted, at, to) {
		at += s.walk(f, at, to, &out.first)
	}
	return out
}

// walk appends wanted items to a page until its capacity is full or leapThreshold items in a
// row are unwanted. It returns the number of visited items.
func (s *snapshot) walk(f *filter, from, to int, page *[]*item) (seen int) {
	start, _ := s.byCreated.GetAt(from)
	unpinned := s.unpinned.cursorAt(start)
	inRow := 0
	s.byCreated.Ascend(start, func(it *item) bool {
		if unpinned.status(it)&f.wanted != 0 {
			*page = append(*page, it)
			inRow = 0
		} else {
			inRow++
		}
		seen++
		return len(*page) < cap(*page) && inRow < leapThreshold && from+seen < to
	})
	return seen
}

// leap returns the first position of a span whose item is in none of the unwanted sets,
// the span's end if there is none: the first at which the unwanted items before it are fewer
// than the positions before it, which a binary search finds.
func (s *snapshot) leap(unwanted []unpinnedSet, from, to int) int {
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
	// While every item is unwanted, their number equals the number of positions.
	return from + sort.Search(to-from, func(n int) bool { return before(from+n+1)-start < n+1 })
}

// minShare is the least number of items for a goroutine of its own.
const minShare = 10_000

// findAny tests every item of a span, on all processors. Each part of the span is in list
// order, so the first matches of all are those of the parts one after the other.
func (s *snapshot) findAny(f *filter, t *tree, from, to int) found {
	n := to - from
	parts := max(1, min(runtime.GOMAXPROCS(0), n/minShare))
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
	unpinned := s.unpinned.cursorAt(first)
	each(t, from, to-from, func(it *item) {
		if f.matches(it) && (s.uncertain[it.placement] || unpinned.status(it)&f.wanted != 0) {
			out.add(it, f.max)
		}
	})
	return out
}

// snapshot returns a snapshot of the present state, shared until the next change.
func (v *View) snapshot() *snapshot {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.copied == nil {
		v.copied = &snapshot{
			byCreated: v.index.byCreated.Copy(),
			byName:    v.index.byName.Copy(),
			unpinned:  v.statuses.unpinned.copy(),
			uncertain: v.statuses.uncertain(v.placements.all),
		}
		v.copied.allUncertain = v.copied.uncertain != nil && len(v.copied.uncertain) == len(v.placements.all)
	}
	return v.copied
}

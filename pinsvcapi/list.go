package pinsvcapi

import (
	"context"
	"errors"
	"slices"
)

const (
	// statusCalls bounds the status questions of one request that are under way.
	statusCalls = 16
	// lookAhead is how many pins of a page are read before they are sent.
	lookAhead = 32
	// smallPin is the largest pin that is kept until it is sent, in bytes. A
	// larger one is read again then. With lookAhead it bounds what a list has in
	// memory without asking for room.
	smallPin = 1 << 10
	// pageBytes is after how many bytes a page ends.
	pageBytes = 8 << 20
)

// list begins the page that a query asks for: `created` descending, then CID. Its
// first pin has been read, so that most errors come before the answer begins.
func (s *service) list(ctx context.Context, q query) (*page, error) {
	w := &walk{service: s, limit: q.limit, sel: Selection{
		Name: q.name, Meta: q.meta, Before: q.before, After: q.after, Statuses: q.statuses,
		// One more than a page can be: it tells whether a group of equal
		// `created` ends with the page.
		Max: maxLimit + 1,
	}}
	find := w.selected
	if len(q.cids) > 0 {
		find = func(ctx context.Context) error { return w.findCIDs(ctx, q) }
	}
	if err := find(ctx); err != nil {
		return nil, err
	}
	p := &page{walk: w}
	return p, p.begin(ctx)
}

// walk goes through the candidates of a selection, a group of equal `created` at a
// time: a page may end only between groups, since clients go on with `before`.
// What is selected may be a second old, so each pin is read and asked for once
// more: one that has fallen out of the filter makes room for the next.
type walk struct {
	*service
	sel        Selection
	limit      int
	candidates []Candidate // in order
	seen       []*looked   // of the first candidates; nil: fell out
	next       int         // the first candidate that was not returned
	count      int         // matches, less those that fell out
}

// selected selects the candidates.
func (w *walk) selected(ctx context.Context) error {
	found, err := w.cluster.Select(ctx, w.sel)
	w.candidates, w.count = found.First, found.Count
	return err
}

// findCIDs looks at given CIDs, which need no selection: at all of them,
// whatever the limit, since count is of those that have the status.
func (w *walk) findCIDs(ctx context.Context, q query) error {
	for _, c := range q.cids {
		w.candidates = append(w.candidates, Candidate{CID: c})
	}
	if err := w.look(ctx, len(w.candidates)); err != nil {
		return err
	}
	w.seen = slices.DeleteFunc(w.seen, func(l *looked) bool { return l == nil })
	slices.SortFunc(w.seen, func(a, b *looked) int { return compare(a.pin.candidate(), b.pin.candidate()) })
	// Both versions of a CID may have found the same pin.
	w.seen = slices.CompactFunc(w.seen, func(a, b *looked) bool { return a.pin.CID == b.pin.CID })
	w.candidates = w.candidates[:0]
	for _, l := range w.seen {
		w.candidates = append(w.candidates, l.pin.candidate())
	}
	w.count = len(w.seen)
	return nil
}

// group returns the next pins of the list that have the same `created`, at most
// the largest page of them, and none at the end of the list. wanted is how many
// pins the page still takes.
func (w *walk) group(ctx context.Context, wanted int) ([]*looked, error) {
	for w.next < len(w.candidates) {
		edge := w.candidates[w.next].Created
		end := w.next + 1
		for end < len(w.candidates) && w.candidates[end].Created.Equal(edge) {
			end++
		}
		if err := w.look(ctx, max(end, w.next+min(wanted, lookAhead))); err != nil {
			return nil, err
		}
		group := slices.DeleteFunc(slices.Clone(w.seen[w.next:end]), func(l *looked) bool { return l == nil })
		clear(w.seen[w.next:end])
		w.next = end
		if len(group) > 0 {
			return group[:min(len(group), maxLimit)], nil
		}
	}
	return nil, nil
}

// look looks at the first candidates, up to a position.
func (w *walk) look(ctx context.Context, to int) error {
	to = min(to, len(w.candidates))
	from := len(w.seen)
	if to <= from {
		return nil
	}
	w.seen = append(w.seen, make([]*looked, to-from)...)
	errs := make([]error, to-from)
	Parallel(to-from, statusCalls, func(i int) {
		w.seen[from+i], errs[i] = w.lookAt(ctx, w.candidates[from+i])
	})
	for _, l := range w.seen[from:] {
		if l == nil {
			w.count--
		}
	}
	return errors.Join(errs...)
}

// looked is a pin that passes the filter.
type looked struct {
	pinStatus
	size  int  // of its result, in bytes
	large bool // name, meta and origins are not kept
}

// lookAt returns a candidate as it is now, nil when it does not pass the filter,
// or is not the pin any more that was selected.
func (w *walk) lookAt(ctx context.Context, c Candidate) (*looked, error) {
	look := w.lookUp
	if c.Created.IsZero() { // it comes from a request, not from a selection
		look = w.service.find
	}
	p, done, err := look(ctx, c.CID)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !w.passes(p, c) {
		done()
		return nil, nil
	}
	l := &looked{size: pinSize(p)}
	if l.large = l.size > smallPin; l.large {
		p = slim(p)
	}
	done()
	if l.pinStatus, err = w.withStatus(ctx, p); err != nil || !w.sel.Wants(l.status) {
		return nil, err
	}
	l.size += statusSize(l.pinStatus)
	l.pin.before = before{}
	return l, nil
}

// passes tells whether a pin is the selected one and passes the filters that
// need no status.
func (w *walk) passes(p Pin, c Candidate) bool {
	return w.sel.Matches(p) && (c.Created.IsZero() || c.Created.Equal(p.Created))
}

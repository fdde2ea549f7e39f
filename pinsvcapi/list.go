package pinsvcapi

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// statusCalls bounds the status questions of one request that are under way.
	statusCalls = 16
	// lookAhead is how many pins of a page are read before they are sent, unless
	// more have the same `created`.
	lookAhead = 32
	// smallPin is the largest pin that is kept until it is sent, in bytes. A
	// larger one is read again then, and so is one beside lookAhead others that
	// are kept. So a list has at most 32 KiB in memory without asking for room.
	smallPin = 1 << 10
	// pageBytes is after how many bytes a page ends.
	pageBytes = 8 << 20
)

// list begins the page that a query asks for: `created` descending, then CID. Its
// first pin has been read, so that most errors come before the answer begins.
func (s *service) list(ctx context.Context, q query) (*page, error) {
	w := &walk{service: s, limit: q.limit, sel: pinset.Selection{
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
	sel        pinset.Selection
	limit      int
	candidates []pinset.Candidate // in order
	seen       []*looked          // of each candidate that was looked at; nil: fell out
	looks      int                // candidates that were looked at
	next       int                // the first candidate that was not returned
	count      int                // matches, less those that fell out
	kept       atomic.Int32       // pins in memory
	ahead      *ahead             // looks at the next candidates; nil: nothing does
	allowed    int                // up to which position it may
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
		w.candidates = append(w.candidates, pinset.Candidate{CID: c})
	}
	if err := w.look(ctx, len(w.candidates)); err != nil {
		return err
	}
	w.seen = slices.DeleteFunc(w.seen, func(l *looked) bool { return l == nil })
	slices.SortFunc(w.seen, func(a, b *looked) int { return pinset.Compare(a.pin.Candidate(), b.pin.Candidate()) })
	// Both versions of a CID may have found the same pin.
	w.seen = slices.CompactFunc(w.seen, func(a, b *looked) bool { return a.pin.CID == b.pin.CID })
	w.candidates = w.candidates[:0]
	for _, l := range w.seen {
		w.candidates = append(w.candidates, l.pin.Candidate())
	}
	w.looks, w.count = len(w.seen), len(w.seen)
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
		if err := w.lookOn(ctx, end, wanted); err != nil {
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

// runAhead makes the walk look at candidates in the background until stop is
// called. wanted is how many pins the page still takes.
func (w *walk) runAhead(ctx context.Context, wanted int) (stop func()) {
	if w.looks >= min(w.next+wanted, len(w.candidates)) {
		return func() {} // most pages are short
	}
	ctx, cancel := context.WithCancel(ctx)
	w.allowed = w.looks
	w.ahead = newAhead(w.looks, statusCalls, func(i int) (err error) {
		w.seen[i], err = w.lookAt(ctx, w.candidates[i])
		return err
	})
	return func() {
		cancel()
		w.ahead.stop()
		w.ahead = nil
	}
}

// lookOn looks at the candidates up to a position, and at some of those that the
// page takes after them. wanted is how many pins the page still takes.
func (w *walk) lookOn(ctx context.Context, to, wanted int) error {
	further := min(max(to, w.next+min(wanted, lookAhead)), len(w.candidates))
	if w.ahead == nil {
		return w.look(ctx, further)
	}
	// In halves of what is looked at ahead: more steps cost more than they gain.
	if further-w.allowed >= lookAhead/2 || to > w.allowed || wanted <= lookAhead {
		w.ahead.allow(further)
		w.allowed = max(w.allowed, further)
	}
	if to <= w.looks {
		return nil
	}
	to = max(to, min(w.looks+lookAhead/2, w.allowed))
	return w.counted(to, w.ahead.wait(to))
}

// look looks at the candidates up to a position and returns when it has.
func (w *walk) look(ctx context.Context, to int) error {
	if w.seen == nil {
		w.seen = make([]*looked, len(w.candidates))
	}
	from := w.looks
	if to <= from {
		return nil
	}
	errs := make([]error, to-from)
	pinset.Parallel(to-from, statusCalls, func(i int) {
		w.seen[from+i], errs[i] = w.lookAt(ctx, w.candidates[from+i])
	})
	return w.counted(to, errors.Join(errs...))
}

// counted notes up to which position the candidates were looked at.
func (w *walk) counted(to int, err error) error {
	for _, l := range w.seen[w.looks:to] {
		if l == nil {
			w.count--
		}
	}
	w.looks = to
	return err
}

// looked is a pin that passes the filter.
type looked struct {
	pinStatus
	size  int  // of its result, in bytes
	large bool // name, meta and origins are not kept
}

// lookAt returns a candidate as it is now, nil when it does not pass the filter,
// or is not the pin any more that was selected.
func (w *walk) lookAt(ctx context.Context, c pinset.Candidate) (*looked, error) {
	look := w.lookUp
	if c.Created.IsZero() { // it comes from a request, not from a selection
		look = w.service.find
	}
	p, done, err := look(ctx, c.CID)
	if errors.Is(err, pinset.ErrNotFound) {
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
	if l.large = !w.keep(l.size); l.large {
		p = slim(p)
	}
	done()
	if l.pinStatus, err = w.withStatus(ctx, p); err != nil || !w.sel.Wants(l.status) {
		w.drop(l)
		return nil, err
	}
	l.size += statusSize(l.pinStatus)
	l.pin.Before = pinset.Before{}
	return l, nil
}

// keep reports whether a pin of so many bytes may be kept until drop is called.
func (w *walk) keep(size int) bool {
	if size > smallPin {
		return false
	}
	if w.kept.Add(1) > lookAhead {
		w.kept.Add(-1)
		return false
	}
	return true
}

// drop drops what is kept of a pin.
func (w *walk) drop(l *looked) {
	l.pin = pinset.Pin{}
	if !l.large {
		w.kept.Add(-1)
	}
}

// passes tells whether a pin is the selected one and passes the filters that
// need no status.
func (w *walk) passes(p pinset.Pin, c pinset.Candidate) bool {
	return w.sel.Matches(p) && (c.Created.IsZero() || c.Created.Equal(p.Created))
}

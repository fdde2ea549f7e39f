package pinsvcapi

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// statusCalls bounds the concurrent status queries of one request.
	statusCalls = 16
	// maxAhead is how many pins of a page are read before they are sent, unless
	// more have the same `created`.
	maxAhead = 32
	// smallPin is the size of the largest pin that is kept until it is sent, in
	// bytes. A larger one is read again then, and so is one when maxAhead others
	// are kept. So a list has at most 32 KiB in memory without a reservation.
	smallPin = 1 << 10
	// pageBytes is the size after which a page ends, in bytes.
	pageBytes = 8 << 20
)

// list returns the page of a query, with pins by `created` descending, then CID. The
// first pin has been read, so that most errors are found before the answer begins.
func (s *service) list(ctx context.Context, q query) (*page, error) {
	w := &walk{service: s, limit: q.limit, sel: pinset.Selection{
		Name: q.name, Meta: q.meta, Before: q.before, After: q.after, Statuses: q.statuses,
		// One more than the largest page shows whether a group of equal
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

// walk iterates over the candidates of a selection, by groups of equal `created`: a
// page may end only between groups, since clients continue with `before`. The selection
// may be a second old, so each pin is read and its status queried again; the next one
// replaces a pin that no longer passes the filter.
type walk struct {
	*service
	sel   pinset.Selection
	limit int // of the page
	// candidates are the first pins of the selection, in the order of the list.
	candidates []pinset.Candidate
	// seen has an element for each candidate below reads: nil when it no longer
	// passes the filter.
	seen  []*listed
	reads int
	// next is the first candidate that group has not returned.
	next int
	// count is the number of pins that match, without those that no longer do.
	count int
	// kept counts the pins in memory, of which there are at most maxAhead.
	kept atomic.Int32
	// ahead reads candidates below allowed in the background. Nil: nothing does.
	ahead   *ahead
	allowed int
}

// selected selects the candidates.
func (w *walk) selected(ctx context.Context) error {
	found, err := w.cluster.Select(ctx, w.sel)
	w.candidates, w.count = found.First, found.Count
	return err
}

// findCIDs reads the pins of given CIDs, without a selection. It reads all of them,
// whatever the limit, since the status of each decides about count.
func (w *walk) findCIDs(ctx context.Context, q query) error {
	for _, c := range q.cids {
		w.candidates = append(w.candidates, pinset.Candidate{CID: c})
	}
	if err := w.readTo(ctx, len(w.candidates)); err != nil {
		return err
	}
	w.seen = slices.DeleteFunc(w.seen, func(l *listed) bool { return l == nil })
	slices.SortFunc(w.seen, func(a, b *listed) int { return pinset.Compare(a.pin.Candidate(), b.pin.Candidate()) })
	// Both versions of a CID may have found the same pin.
	w.seen = slices.CompactFunc(w.seen, func(a, b *listed) bool { return a.pin.CID == b.pin.CID })
	w.candidates = w.candidates[:0]
	for _, l := range w.seen {
		w.candidates = append(w.candidates, l.pin.Candidate())
	}
	w.reads, w.count = len(w.seen), len(w.seen)
	return nil
}

// group returns the next pins of the list that have the same `created`: at most as many
// as the largest page has, none at the end of the list. wanted is the number of pins
// that the page has room for.
func (w *walk) group(ctx context.Context, wanted int) ([]*listed, error) {
	for w.next < len(w.candidates) {
		// A group is read as a whole, since all of it has to fit on the page.
		created := w.candidates[w.next].Created
		end := w.next + 1
		for end < len(w.candidates) && w.candidates[end].Created.Equal(created) {
			end++
		}
		if err := w.readOn(ctx, end, wanted); err != nil {
			return nil, err
		}
		group := slices.DeleteFunc(slices.Clone(w.seen[w.next:end]), func(l *listed) bool { return l == nil })
		clear(w.seen[w.next:end])
		w.next = end
		if len(group) > 0 {
			return group[:min(len(group), maxLimit)], nil
		}
	}
	return nil, nil
}

// runAhead reads candidates in the background until stop is called. wanted is the
// number of pins that the page has room for.
func (w *walk) runAhead(ctx context.Context, wanted int) (stop func()) {
	if w.reads >= min(w.next+wanted, len(w.candidates)) {
		return func() {} // most pages are short
	}
	ctx, cancel := context.WithCancel(ctx)
	w.allowed = w.reads
	w.ahead = newAhead(w.reads, statusCalls, func(i int) (err error) {
		w.seen[i], err = w.readCandidate(ctx, w.candidates[i])
		return err
	})
	return func() {
		cancel()
		w.ahead.stop()
		w.ahead = nil
	}
}

// readOn reads the candidates below a position, and some of those that the page needs
// after them. wanted is the number of pins that the page has room for.
func (w *walk) readOn(ctx context.Context, to, wanted int) error {
	further := min(max(to, w.next+min(wanted, maxAhead)), len(w.candidates))
	if w.ahead == nil {
		return w.readTo(ctx, further)
	}
	// In steps of maxAhead/2: smaller ones cost more than they gain.
	if further-w.allowed >= maxAhead/2 || to > w.allowed || wanted <= maxAhead {
		w.ahead.allow(further)
		w.allowed = max(w.allowed, further)
	}
	if to <= w.reads {
		return nil
	}
	to = max(to, min(w.reads+maxAhead/2, w.allowed))
	return w.counted(to, w.ahead.wait(to))
}

// readTo reads the candidates below a position.
func (w *walk) readTo(ctx context.Context, to int) error {
	if w.seen == nil {
		w.seen = make([]*listed, len(w.candidates))
	}
	from := w.reads
	if to <= from {
		return nil
	}
	errs := make([]error, to-from)
	pinset.Parallel(to-from, statusCalls, func(i int) {
		w.seen[from+i], errs[i] = w.readCandidate(ctx, w.candidates[from+i])
	})
	return w.counted(to, errors.Join(errs...))
}

// counted records that the candidates below a position were read.
func (w *walk) counted(to int, err error) error {
	for _, l := range w.seen[w.reads:to] {
		if l == nil {
			w.count--
		}
	}
	w.reads = to
	return err
}

// listed is a pin that passes the filter.
type listed struct {
	pinStatus
	size  int  // of its result, in bytes
	large bool // name, meta and origins are not kept
}

// readCandidate returns the current pin of a candidate, nil when it does not pass the
// filter or is not the pin that was selected.
func (w *walk) readCandidate(ctx context.Context, c pinset.Candidate) (*listed, error) {
	get := w.readStored
	if c.Created.IsZero() { // it comes from a request, not from a selection
		get = w.service.find
	}
	p, done, err := get(ctx, c.CID)
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
	l := &listed{size: pinSize(p)}
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

// keep reports whether a pin of a size in bytes may be kept until drop is called.
func (w *walk) keep(size int) bool {
	if size > smallPin {
		return false
	}
	if w.kept.Add(1) > maxAhead {
		w.kept.Add(-1)
		return false
	}
	return true
}

// drop frees a pin that was sent or does not pass.
func (w *walk) drop(l *listed) {
	l.pin = pinset.Pin{}
	if !l.large {
		w.kept.Add(-1)
	}
}

// passes reports whether a pin is the selected one and passes the filters that need no
// status.
func (w *walk) passes(p pinset.Pin, c pinset.Candidate) bool {
	return w.sel.Matches(p) && (c.Created.IsZero() || c.Created.Equal(p.Created))
}

package pinsvcapi

import (
	"context"
	"errors"
	"slices"
)

// page is the answer to a list request.
type page struct {
	count int // pins that match all filters
	pins  []pinStatus
}

// statusCalls bounds the status questions of one request that are under way.
const statusCalls = 16

// list returns the page that a query asks for: `created` descending, then CID.
func (s *service) list(ctx context.Context, q query) (page, error) {
	if len(q.cids) > 0 {
		return s.listCIDs(ctx, q)
	}
	sel := Selection{
		Name: q.name, Meta: q.meta, Before: q.before, After: q.after, Statuses: q.statuses,
		// One more than a page can be: it tells whether a group of equal
		// `created` ends with the page.
		Max: maxLimit + 1,
	}
	found, err := s.cluster.Select(ctx, sel)
	if err != nil {
		return page{}, err
	}
	w := walk{service: s, sel: sel, limit: q.limit, candidates: found.First, count: found.Count}
	return w.page(ctx)
}

// listCIDs answers a query for given CIDs, which needs no selection.
func (s *service) listCIDs(ctx context.Context, q query) (page, error) {
	w := walk{service: s, limit: q.limit, sel: Selection{
		Name: q.name, Meta: q.meta, Before: q.before, After: q.after, Statuses: q.statuses,
	}}
	for _, c := range q.cids {
		w.candidates = append(w.candidates, Candidate{CID: c})
	}
	// All of them are asked for, whatever the limit: count is of those that
	// have the status.
	if err := w.take(ctx, len(w.candidates)); err != nil {
		return page{}, err
	}
	slices.SortFunc(w.out, func(a, b pinStatus) int { return compare(a.pin.candidate(), b.pin.candidate()) })
	// Both versions of a CID may have found the same pin.
	w.out = slices.CompactFunc(w.out, func(a, b pinStatus) bool { return a.pin.CID == b.pin.CID })
	return page{count: len(w.out), pins: firstPage(w.out, q.limit)}, nil
}

// firstPage ends the page of a list that is complete as settleEdge does.
func firstPage(all []pinStatus, limit int) []pinStatus {
	if len(all) <= limit {
		return all
	}
	edge := all[limit].pin.Created
	torn := func(p pinStatus) bool { return p.pin.Created.Equal(edge) }
	if !torn(all[limit-1]) {
		return all[:limit]
	}
	if first := slices.IndexFunc(all, torn); first > 0 {
		return all[:first]
	}
	for limit < len(all) && torn(all[limit]) {
		limit++
	}
	return all[:limit]
}

// walk fills a page from the candidates of a selection. What is selected may
// be a second old, so each pin of the page is read and asked for once more: one
// that has fallen out of the filter makes room for the next.
type walk struct {
	*service
	sel        Selection
	limit      int
	candidates []Candidate // in order
	next       int         // the first that has not been taken
	count      int         // matches, less those that fell out
	out        []pinStatus
}

// page collects up to limit pins and then moves the page's end off a group of
// equal `created`.
func (w *walk) page(ctx context.Context) (page, error) {
	for len(w.out) < w.limit && w.next < len(w.candidates) {
		if err := w.take(ctx, w.limit-len(w.out)); err != nil {
			return page{}, err
		}
	}
	if err := w.settleEdge(ctx); err != nil {
		return page{}, err
	}
	if len(w.out) == 0 {
		w.count = 0 // clients fail on a count without results
	}
	return page{count: w.count, pins: w.out}, nil
}

// settleEdge ends the page before a group of pins with the same `created` that
// would be torn, since a client goes on with `before` that value. When the
// page consists of nothing else, it takes the whole group, up to the largest
// page.
func (w *walk) settleEdge(ctx context.Context) error {
	if len(w.out) == 0 || w.next == len(w.candidates) {
		return nil
	}
	edge := w.out[len(w.out)-1].pin.Created
	tied := func(p pinStatus) bool { return p.pin.Created.Equal(edge) }
	if !w.candidates[w.next].Created.Equal(edge) {
		return nil
	}
	if first := slices.IndexFunc(w.out, tied); first > 0 {
		w.out = w.out[:first]
		return nil
	}
	group := w.next
	for group < len(w.candidates) && w.candidates[group].Created.Equal(edge) {
		group++
	}
	for w.next < group && len(w.out) < maxLimit {
		if err := w.take(ctx, min(group-w.next, maxLimit-len(w.out))); err != nil {
			return err
		}
	}
	return nil
}

// take reads the next n candidates and keeps those that the filter lets
// through.
func (w *walk) take(ctx context.Context, n int) error {
	batch := w.candidates[w.next:min(w.next+n, len(w.candidates))]
	w.next += len(batch)
	results := make([]*pinStatus, len(batch))
	errs := make([]error, len(batch))
	Parallel(len(batch), statusCalls, func(i int) {
		results[i], errs[i] = w.look(ctx, batch[i])
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, r := range results {
		if r != nil {
			w.out = append(w.out, *r)
		} else {
			w.count--
		}
	}
	return nil
}

// look returns a candidate as it is now, nil when it does not pass the filter,
// or is not the pin any more that was selected. A candidate that comes from a
// request and not from a selection has no time.
func (w *walk) look(ctx context.Context, c Candidate) (*pinStatus, error) {
	get := w.cluster.Get
	if c.Created.IsZero() {
		get = w.find
	}
	p, err := get(ctx, c.CID)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case !w.sel.Matches(p), !c.Created.IsZero() && !c.Created.Equal(p.Created):
		return nil, nil
	}
	s, err := w.withStatus(ctx, p)
	if err != nil || !w.sel.Wants(s.status) {
		return nil, err
	}
	return &s, nil
}

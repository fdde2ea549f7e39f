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
	sel, err := s.selection(ctx, q)
	if err != nil {
		return page{}, err
	}
	found, err := s.cluster.Select(ctx, sel)
	if err != nil {
		return page{}, err
	}
	w := walk{service: s, query: q, pins: found.Pins, count: found.Count}
	return w.page(ctx)
}

// selection translates a query for the cluster.
func (s *service) selection(ctx context.Context, q query) (Selection, error) {
	unsettled, err := s.cluster.Unsettled(ctx)
	if err != nil {
		return Selection{}, err
	}
	return Selection{
		Name: q.name, Meta: q.meta, Before: q.before, After: q.after,
		// What nobody knows yet is asked for when it is on the page.
		Wanted:    func(p Pin) bool { return unsettled.unsure(p) || q.wants(aggregate(p, unsettled.peers(p))) },
		Settled:   q.wants(statusPinned),
		Unsettled: unsettled,
		// One more than a page can be: it tells whether a group of equal
		// `created` ends with the page.
		Max: maxLimit + 1,
	}, nil
}

// Clear tells whether a pin without an entry in Pins is pinned for certain, if
// all of its peers are members.
func (u *Unsettled) Clear() bool {
	silent := func(id string) bool { _, is := u.Silent[id]; return is }
	return len(u.Unsure) == 0 && !slices.ContainsFunc(u.Members, silent)
}

// unsure tells whether some peer of a pin does not know its state.
func (u *Unsettled) unsure(p Pin) bool {
	return slices.ContainsFunc(u.Unsure, func(id string) bool {
		return len(p.Allocations) == 0 || slices.Contains(p.Allocations, id)
	})
}

// peers returns what all peers of a pin say of it.
func (u *Unsettled) peers(p Pin) []PeerStatus {
	peers := p.Allocations
	if len(peers) == 0 {
		peers = u.Members
	}
	said := u.Pins[p.CID]
	out := make([]PeerStatus, 0, len(peers))
	for _, id := range peers {
		out = append(out, u.peer(p, id, said))
	}
	return out
}

// peer returns what one peer says of a pin. A silent peer cannot have spoken
// of a pin that is younger than its last answer. Who is no member is silent.
func (u *Unsettled) peer(p Pin, id string, said []PeerStatus) PeerStatus {
	for _, s := range said {
		if s.Peer == id {
			return s
		}
	}
	last, silent := u.Silent[id]
	silent = silent || !slices.Contains(u.Members, id)
	if silent && !last.After(p.Created) {
		return PeerStatus{Peer: id, State: StateQueued, Silent: true}
	}
	return PeerStatus{Peer: id, State: StatePinned, Silent: silent}
}

// listCIDs answers a query for given CIDs, which needs no selection.
func (s *service) listCIDs(ctx context.Context, q query) (page, error) {
	var pins []Pin
	sel := Selection{Name: q.name, Meta: q.meta, Before: q.before, After: q.after}
	for _, c := range q.cids {
		p, err := s.cluster.Get(ctx, c)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return page{}, err
		case sel.Matches(p):
			pins = append(pins, p)
		}
	}
	slices.SortFunc(pins, compare)
	w := walk{service: s, query: q, pins: pins, count: len(pins)}
	// All of them are asked for, whatever the limit: count is of those that
	// have the status.
	if err := w.take(ctx, len(pins)); err != nil {
		return page{}, err
	}
	return page{count: w.count, pins: firstPage(w.out, q.limit)}, nil
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

// Matches tells whether a pin passes the filters that need no status.
func (s *Selection) Matches(p Pin) bool {
	if !s.Before.IsZero() && !p.Created.Before(s.Before) {
		return false
	}
	if !s.After.IsZero() && !p.Created.After(s.After) {
		return false
	}
	if s.Name != nil && !s.Name(p.Name) {
		return false
	}
	for k, v := range s.Meta {
		if have, ok := p.Meta[k]; !ok || have != v {
			return false
		}
	}
	return true
}

// walk fills a page from the candidates of a selection. The selection knows
// statuses that are up to a second old, so each pin of the page is asked for
// once more: one that has fallen out of the filter makes room for the next.
type walk struct {
	*service
	query query
	pins  []Pin // candidates, in order
	next  int   // the first candidate that has not been asked for
	count int   // matches, less those that fell out
	out   []pinStatus
}

// page collects up to limit pins and then moves the page's end off a group of
// equal `created`.
func (w *walk) page(ctx context.Context) (page, error) {
	for len(w.out) < w.query.limit && w.next < len(w.pins) {
		if err := w.take(ctx, w.query.limit-len(w.out)); err != nil {
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
	if len(w.out) == 0 || w.next == len(w.pins) {
		return nil
	}
	edge := w.out[len(w.out)-1].pin.Created
	tied := func(p pinStatus) bool { return p.pin.Created.Equal(edge) }
	if !w.pins[w.next].Created.Equal(edge) {
		return nil
	}
	if first := slices.IndexFunc(w.out, tied); first > 0 {
		w.out = w.out[:first]
		return nil
	}
	group := w.next
	for group < len(w.pins) && w.pins[group].Created.Equal(edge) {
		group++
	}
	for w.next < group && len(w.out) < maxLimit {
		if err := w.take(ctx, min(group-w.next, maxLimit-len(w.out))); err != nil {
			return err
		}
	}
	return nil
}

// take asks for the next n candidates and keeps those that the filter lets
// through.
func (w *walk) take(ctx context.Context, n int) error {
	batch := w.pins[w.next:min(w.next+n, len(w.pins))]
	w.next += len(batch)
	results := make([]pinStatus, len(batch))
	errs := make([]error, len(batch))
	parallel(len(batch), statusCalls, func(i int) {
		results[i], errs[i] = w.withStatus(ctx, batch[i])
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, r := range results {
		if w.query.wants(r.status) {
			w.out = append(w.out, r)
		} else {
			w.count--
		}
	}
	return nil
}

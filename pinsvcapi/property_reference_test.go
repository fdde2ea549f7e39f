package pinsvcapi

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ipfs/go-cid"
)

// The reference: what a list is, written from the specification and the design
// alone. Nothing here uses code of the package.

// refPin is a pin as a client knows it.
type refPin struct {
	id      string // canonical CID
	name    string
	meta    map[string]string
	created int64    // milliseconds
	words   []string // the status at each of its peers
	need    int      // replicas that make it pinned
}

// refQuery is a list request. Zero values are absent parameters.
type refQuery struct {
	ids           []string // canonical CIDs
	name, match   string
	meta          map[string]string
	statuses      []string
	before, after *int64 // milliseconds
	limit         int
}

// status is the sentence of the design: enough replicas pinned make it pinned,
// else any pinning makes it pinning, else any queued queued, else failed.
func (p refPin) status() string {
	n := make(map[string]int)
	for _, w := range p.words {
		n[w]++
	}
	if n["pinned"] >= p.need {
		return "pinned"
	}
	for _, w := range []string{"pinning", "queued"} {
		if n[w] > 0 {
			return w
		}
	}
	return "failed"
}

func (q refQuery) matches(p refPin) bool {
	if len(q.ids) > 0 && !slices.Contains(q.ids, p.id) {
		return false
	}
	if q.name != "" && !q.matchesName(p.name) {
		return false
	}
	for k, v := range q.meta {
		if have, ok := p.meta[k]; !ok || have != v {
			return false
		}
	}
	if q.before != nil && p.created >= *q.before || q.after != nil && p.created <= *q.after {
		return false
	}
	if len(q.statuses) > 0 {
		return slices.Contains(q.statuses, p.status())
	}
	identity := len(q.ids) > 0 || q.name != "" || len(q.meta) > 0
	return identity || p.status() == "pinned"
}

func (q refQuery) matchesName(name string) bool {
	switch q.match {
	case "", "exact":
		return name == q.name
	case "iexact":
		return strings.EqualFold(name, q.name)
	case "partial":
		return strings.Contains(name, q.name)
	}
	// Simple case folding keeps the number of runes.
	in, wanted := []rune(name), []rune(q.name)
	for i := range len(in) - len(wanted) + 1 {
		if strings.EqualFold(string(in[i:i+len(wanted)]), q.name) {
			return true
		}
	}
	return false
}

// sibling returns the CIDv0 or CIDv1 of the same block, "" when there is none.
func sibling(id string) string {
	c := cid.MustParse(id)
	if c.Type() != cid.DagProtobuf {
		return ""
	}
	if c.Version() == 0 {
		return cid.NewCidV1(cid.DagProtobuf, c.Hash()).String()
	}
	return cid.NewCidV0(c.Hash()).String()
}

// found returns the CID under which a request for id finds a pin: the exact one
// wherever it is, else the other version.
func found(id string, has func(id string) bool) string {
	if other := sibling(id); !has(id) && other != "" && has(other) {
		return other
	}
	return id
}

// list returns all pins that match, in order, and the page of them.
func (q refQuery) list(pins []refPin) (all, page []refPin) {
	has := func(id string) bool { return slices.ContainsFunc(pins, func(p refPin) bool { return p.id == id }) }
	q.ids = slices.Clone(q.ids)
	for i, id := range q.ids {
		q.ids[i] = found(id, has)
	}
	for _, p := range pins {
		if q.matches(p) {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b refPin) int {
		return cmp.Or(cmp.Compare(b.created, a.created), cmp.Compare(a.id, b.id))
	})
	limit := cmp.Or(q.limit, 10)
	if len(all) <= limit {
		return all, all
	}
	// A group of equal `created` that the page would tear is left out, or, when
	// the page begins with it, is there as a whole.
	begin, end := limit, limit
	for begin > 0 && all[begin-1].created == all[limit].created {
		begin--
	}
	for end < len(all) && all[end].created == all[limit].created {
		end++
	}
	if begin > 0 {
		return all, all[:begin]
	}
	return all, all[:end]
}

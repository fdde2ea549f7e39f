package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fixture"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// question is a list request with its right answer.
type question struct {
	what  string
	query url.Values
	count int      // pins that match
	page  []string // CIDs, in order
}

// ask makes the question for a query and the pins that match it. limit is the
// page's, and is put into the query.
func (b *bench) ask(what string, limit int, query url.Values, matches func(fixture.Pin) bool) question {
	query.Set("limit", strconv.Itoa(limit))
	q := question{what: what, query: query}
	for p := range b.set.Newest() {
		if !matches(p) {
			continue
		}
		if q.count++; len(q.page) < limit {
			q.page = append(q.page, p.CID.String())
		}
	}
	return q
}

// newest is the list that clients ask for most.
func (b *bench) newest(limit int) question {
	what := fmt.Sprintf("list, limit %d, status=pinned", limit)
	return b.ask(what, limit, url.Values{"status": {"pinned"}}, func(fixture.Pin) bool { return true })
}

// questions are the lists that are measured.
func (b *bench) questions() []question {
	middle := b.set.At(b.set.N / 2)
	app := fixture.Application(3)
	site := "site-07/"
	return []question{
		b.newest(10),
		b.newest(1000),
		b.ask("exact name", 10, url.Values{"name": {middle.Name}},
			func(p fixture.Pin) bool { return p.Name == middle.Name }),
		b.ask("before in the middle, limit 10", 10,
			url.Values{"status": {"pinned"}, "before": {pinset.EncodeCreated(middle.Created)}},
			func(p fixture.Pin) bool { return p.Created.Before(middle.Created) }),
		b.ask("meta filter matching 10 %", 10, url.Values{"meta": {`{"app":"` + app + `"}`}},
			func(p fixture.Pin) bool { return p.Meta["app"] == app }),
		b.ask("match=ipartial, 1 % of all names", 10,
			url.Values{"name": {strings.ToUpper(site)}, "match": {"ipartial"}},
			func(p fixture.Pin) bool { return strings.HasPrefix(p.Name, site) }),
	}
}

// check returns what is wrong with an answer, or "".
func (q question) check(got page) string {
	if got.Count != q.count {
		return fmt.Sprintf("count is %d, not %d", got.Count, q.count)
	}
	if len(got.Results) != len(q.page) {
		return fmt.Sprintf("%d results, not %d", len(got.Results), len(q.page))
	}
	for i, r := range got.Results {
		if r.Pin.CID != q.page[i] {
			return fmt.Sprintf("result %d is %q of %s: not the newest first", i+1, r.Pin.Name, r.Created)
		}
		if r.Status != "pinned" {
			return fmt.Sprintf("result %d is %s, not pinned", i+1, r.Status)
		}
	}
	return ""
}

// deviates records a wrong answer, if it is one: an error of ours, a remark on
// others.
func (b *bench) deviates(c *contender, what, wrong string) {
	if wrong != "" {
		b.report.deviation(c.program.Name+": "+what, wrong, c.ours)
	}
}

package main

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// walks pages through the pinset by ten, as `ipfs pin remote ls` does, and
// reports the time for 10,000 pins, or for all when there are fewer.
func (b *bench) walks(ctx context.Context) error {
	pins := min(b.set.N, 10_000)
	var took []float64
	for _, c := range b.contenders {
		w, err := b.walk(ctx, c)
		if err != nil {
			return err
		}
		took = append(took, w.perPage.Seconds()*float64(pins)/10)
		b.report.note("%s: walk: %d distinct pins of %d on %d pages in %s%s", c.program.Name,
			len(w.seen), b.set.N, w.pages, w.took.Round(time.Millisecond), w.ending())
		if w.complete && len(w.seen) < b.set.N {
			b.deviates(c, "walk", fmt.Sprintf("%d of %d pins were on no page", b.set.N-len(w.seen), b.set.N))
		}
	}
	b.report.add(fmt.Sprintf("walk over %d pins by ten (by the time of a page)", pins), seconds, took)
	return nil
}

// walked is how a walk went.
type walked struct {
	seen     map[string]bool
	pages    int
	took     time.Duration
	perPage  time.Duration
	complete bool // it came to the last page
}

func (w walked) ending() string {
	if w.complete {
		return ", to the end"
	}
	return ", not to the end"
}

// walk follows `before` until count says that the page is the last, or until
// the time is spent.
func (b *bench) walk(ctx context.Context, c *contender) (walked, error) {
	w := walked{seen: map[string]bool{}}
	query := url.Values{"limit": {"10"}, "status": {"pinned"}}
	start := time.Now()
	for !w.complete && time.Since(start) < b.options.budget {
		got, err := c.pins.list(ctx, query)
		if err != nil {
			return w, err
		}
		w.pages++
		for _, r := range got.Results {
			if w.seen[r.Pin.CID] {
				b.deviates(c, "walk", "a pin is on two pages")
			}
			w.seen[r.Pin.CID] = true
		}
		n := len(got.Results)
		w.complete = n == 0 || got.Count == n
		if n > 0 {
			query.Set("before", got.Results[n-1].Created)
		}
	}
	w.took = time.Since(start)
	w.perPage = w.took / time.Duration(max(w.pages, 1))
	return w, nil
}

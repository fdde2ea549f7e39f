package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

const (
	// countPatience is how long a count may be that of a moment ago: a peer is
	// asked for what it has queued only when somebody lists, and not by each.
	countPatience = 30 * time.Second
	pollPause     = 100 * time.Millisecond
)

// queued lets pins pile up behind an IPFS that finds nothing, and times lists
// meanwhile.
func (b *bench) queued(ctx context.Context) error {
	pinned := make(map[*contender]int)
	for _, c := range b.contenders {
		pinned[c] = c.stub.Count()
		c.stub.HoldPins()
		defer c.stub.ReleasePins()
		if _, err := b.write(ctx, c, b.options.queued, time.Hour, c.pins.post); err != nil {
			return err
		}
	}
	lists := []queuedList{
		{"pinned", func(c *contender) int { return pinned[c] }},
		{"queued,pinning", func(*contender) int { return b.options.queued }},
	}
	caughtUp := make([]float64, len(b.contenders))
	for i, c := range b.contenders {
		start := time.Now()
		err := poll(ctx, countPatience, pollPause, func(ctx context.Context) (bool, error) {
			got, err := c.pins.list(ctx, lists[0].query())
			return got.Count == lists[0].count(c), err
		})
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		caughtUp[i] = time.Since(start).Seconds()
	}
	for _, q := range lists {
		what := fmt.Sprintf("list, limit 10, status=%s, while %d are queued", q.status, b.options.queued)
		times, err := b.sample(ctx, b.options.requests, func(ctx context.Context, c *contender) error {
			got, err := c.pins.list(ctx, q.query())
			if err == nil && got.Count != q.count(c) {
				b.deviates(c, what, fmt.Sprintf("count is %d, not %d", got.Count, q.count(c)))
			}
			return err
		})
		if err != nil {
			return err
		}
		b.report.add(what+", p50", seconds, times.percentiles(50))
	}
	b.report.add("  last answer until the count is right", seconds, caughtUp)
	return nil
}

// queuedList is a list of what has a status, and how many pins have it.
type queuedList struct {
	status string
	count  func(*contender) int
}

func (q queuedList) query() url.Values {
	return url.Values{"limit": {"10"}, "status": {q.status}}
}

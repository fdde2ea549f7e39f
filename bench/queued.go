package main

import (
	"context"
	"fmt"
	"net/url"
	"time"
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
	for _, q := range []struct {
		status string
		count  func(*contender) int
	}{
		{"pinned", func(c *contender) int { return pinned[c] }},
		{"queued,pinning", func(*contender) int { return b.options.queued }},
	} {
		what := fmt.Sprintf("list, limit 10, status=%s, while %d are queued", q.status, b.options.queued)
		query := url.Values{"limit": {"10"}, "status": {q.status}}
		times, err := b.sample(ctx, b.options.requests, func(ctx context.Context, c *contender) error {
			got, err := c.pins.list(ctx, query)
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
	return nil
}

package main

import (
	"context"
	"errors"
	"math"
	"time"
)

const (
	// fast is a list that nobody thinks about.
	fast = 50 * time.Millisecond
	// fastPatience is how long a restarted peer is watched for a fast list.
	fastPatience = 2 * time.Minute
)

// start restarts each peer and asks for lists from the first moment on. An
// answer with an error status is a peer that is not ready; any other answer
// has to be right. Of others the right count is enough.
func (b *bench) start(ctx context.Context) error {
	first := b.newest(10)
	var ready, right, quick []float64
	for _, c := range b.contenders {
		c.peer.Stop()
		if err := c.startPeer(ctx); err != nil {
			return err
		}
		since := func() float64 { return time.Since(c.peer.Started).Seconds() }
		ready = append(ready, since())
		r, q := math.NaN(), math.NaN()
		err := poll(ctx, fastPatience, 10*time.Millisecond, func(ctx context.Context) (bool, error) {
			asked := time.Now()
			got, err := c.pins.list(ctx, first.query)
			if err != nil {
				return false, ctx.Err()
			}
			wrong := first.check(got)
			b.deviates(c, "a list right after start", wrong)
			if math.IsNaN(r) && (wrong == "" || !c.ours && got.Count == first.count) {
				r = since()
			}
			if time.Since(asked) > fast || math.IsNaN(r) {
				return false, nil
			}
			q = since()
			return true, nil
		})
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		right, quick = append(right, r), append(quick, q)
	}
	b.report.add("start until it answers", seconds, ready)
	b.report.add("start until the first right list (ours: when the view is complete)", seconds, right)
	b.report.add("start until a right list within "+fast.String(), seconds, quick)
	return nil
}

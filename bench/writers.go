package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fixture"
)

// drainPatience is how long a peer may take to pin what it has accepted.
const drainPatience = 5 * time.Minute

// written is what writers have done.
type written struct {
	times []time.Duration // of each request
	took  time.Duration   // from the first request to the last answer
}

func (w written) rate() float64 {
	return float64(len(w.times)) / w.took.Seconds()
}

// posted returns the n-th pin that a contender gets posted, n > 0.
func posted(n int) fixture.Pin {
	return fixture.Fresh("posted", n)
}

// write lets writers post fresh pins of a contender at the same time, until
// most pins are posted or the time is over.
func (b *bench) write(
	ctx context.Context, c *contender, most int, until time.Duration,
	post func(context.Context, fixture.Pin) error,
) (written, error) {
	start := time.Now()
	var next atomic.Int64
	times := make([][]time.Duration, b.options.writers)
	group, groupCtx := errgroup.WithContext(ctx)
	for i := range times {
		group.Go(func() error {
			for time.Since(start) < until {
				n := int(next.Add(1))
				if n > most {
					return nil
				}
				begin := time.Now()
				if err := post(groupCtx, posted(c.posted+n)); err != nil {
					return err
				}
				times[i] = append(times[i], time.Since(begin))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return written{}, fmt.Errorf("%s: %w", c.program.Name, err)
	}
	w := written{took: time.Since(start)}
	for _, t := range times {
		w.times = append(w.times, t...)
	}
	c.posted += len(w.times)
	return w, nil
}

// drain waits until the contender's IPFS has all pins that were posted, so
// that the work behind one measurement is not done during the next.
func (b *bench) drain(ctx context.Context, c *contender) error {
	want := b.set.N + c.posted
	err := poll(ctx, drainPatience, 20*time.Millisecond, func(context.Context) (bool, error) {
		return c.stub.Count() >= want, nil
	})
	if err != nil {
		return fmt.Errorf("%s: %d of %d pins reached its IPFS: %w", c.program.Name, c.stub.Count(), want, err)
	}
	return nil
}

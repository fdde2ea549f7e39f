package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// lists times the questions and watches the peers' memory meanwhile.
func (b *bench) lists(ctx context.Context) error {
	for _, c := range b.contenders {
		if err := c.settle(ctx); err != nil {
			return err
		}
	}
	before, err := b.memory()
	if err != nil {
		return err
	}
	b.report.add("memory before", megabytes, before.resident)
	for i, q := range b.questions() {
		times, err := b.sample(ctx, b.options.requests, func(ctx context.Context, c *contender) error {
			got, err := c.pins.list(ctx, q.query)
			b.deviates(c, q.what, q.check(got))
			return err
		})
		if err != nil {
			return err
		}
		b.report.add(q.what+", p50", seconds, times.percentiles(50))
		if i == 0 {
			if err := b.growth(before, times); err != nil {
				return err
			}
		}
	}
	after, err := b.memory()
	if err != nil {
		return err
	}
	b.report.add("memory after all of these", megabytes, after.resident)
	b.report.add("most memory ever", megabytes, after.peak)
	return nil
}

// growth reports how much more memory the first lists have left behind.
func (b *bench) growth(before memory, times series) error {
	after, err := b.memory()
	if err != nil {
		return err
	}
	grown := make([]float64, len(b.contenders))
	for i, c := range b.contenders {
		grown[i] = after.resident[i] - before.resident[i]
		if n := len(times[i]); n < b.options.requests {
			b.report.note("%s: memory growth over %d lists only, since they took more than %s", c.program.Name, n, b.options.budget)
		}
	}
	b.report.add(fmt.Sprintf("memory growth over %d lists of 10", b.options.requests), megabytes, grown)
	return nil
}

// memory is what the peers hold, in bytes.
type memory struct {
	resident, peak []float64
}

func (b *bench) memory() (memory, error) {
	var m memory
	for _, c := range b.contenders {
		held, err := process.ReadMemory(c.pid)
		if err != nil {
			return m, err
		}
		m.resident = append(m.resident, float64(held.Resident))
		m.peak = append(m.peak, float64(held.Peak))
	}
	return m, nil
}

// settle waits until the peer has done what it does at its start: its memory
// has stayed within one percent for two seconds. It gives up after two
// minutes, which is not an error.
func (c *contender) settle(ctx context.Context) error {
	const needed, pause, patience = 4, 500 * time.Millisecond, 2 * time.Minute
	var last int64
	same := 0
	err := poll(ctx, patience, pause, func(context.Context) (bool, error) {
		held, err := process.ReadMemory(c.pid)
		if err != nil {
			return false, err
		}
		if diff := held.Resident - last; diff*100 > last || -diff*100 > last {
			same = 0
		} else {
			same++
		}
		last = held.Resident
		return same == needed, nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

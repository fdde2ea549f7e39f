package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// slicesOfRound is into how many parts the time of a round is cut: the programs take
// turns this often, so that what disturbs the machine disturbs all of them.
const slicesOfRound = 10

// rateKind is a request whose rate is compared.
type rateKind struct {
	what   string
	writes bool
	// ask makes the n-th request of a slice.
	ask func(ctx context.Context, b *bench, c *contender, n int) error
}

func rateKinds() []rateKind {
	list := func(limit string) func(context.Context, *bench, *contender, int) error {
		query := "/pins?" + url.Values{"limit": {limit}, "status": {"pinned"}}.Encode()
		return func(ctx context.Context, _ *bench, c *contender, _ int) error {
			_, err := c.pins.do(ctx, http.MethodGet, query, nil)
			return err
		}
	}
	return []rateKind{
		{"GET /pins/{id}", false, func(ctx context.Context, b *bench, c *contender, n int) error {
			_, err := c.pins.do(ctx, http.MethodGet, "/pins/"+b.set.At(n%b.set.N).CID.String(), nil)
			return err
		}},
		{"POST /pins", true, nil},
		{"list of 10", false, list("10")},
		{"list of 1000", false, list("1000")},
	}
}

// rates compares the rates of requests of two builds or more in many short turns.
// The ratio of two builds is the median over the turns, each with the one beside
// it: that of the medians of the rates moves with the load of the machine.
func (b *bench) rates(ctx context.Context) error {
	for _, k := range rateKinds() {
		rates := make([][]float64, len(b.contenders))
		for turn := range b.options.rounds * slicesOfRound {
			for place := range b.contenders {
				i := place
				if turn%2 == 1 { // so that nobody is always the second
					i = len(b.contenders) - 1 - place
				}
				rate, err := b.turn(ctx, k, b.contenders[i])
				if err != nil {
					return err
				}
				rates[i] = append(rates[i], rate)
			}
		}
		medians := make([]float64, len(rates))
		for i := range rates {
			medians[i] = median(rates[i])
		}
		b.report.add(fmt.Sprintf("%s, %d clients in turns", k.what, b.options.writers), perSecond, medians)
		b.pairs(k.what, rates)
	}
	return nil
}

// pairs notes how the last program compares with each other one, turn by turn.
func (b *bench) pairs(what string, rates [][]float64) {
	last := len(rates) - 1
	for i, others := range rates[:last] {
		q := slices.Sorted(slices.Values(quotients(rates[last], others)))
		b.report.note("%s: %s by %s: median %.3f of %d pairs, quartiles %.3f and %.3f", what,
			b.contenders[last].program.Name, b.contenders[i].program.Name,
			median(q), len(q), q[len(q)/4], q[len(q)*3/4])
	}
}

// turn asks for a part of a round and returns the requests per second.
func (b *bench) turn(ctx context.Context, k rateKind, c *contender) (float64, error) {
	span := b.options.duration / slicesOfRound
	if k.writes {
		w, err := b.write(ctx, c, 1<<30, span, c.pins.post)
		if err != nil {
			return 0, err
		}
		return w.rate(), b.drain(ctx, c)
	}
	start := time.Now()
	var next, done atomic.Int64
	group, groupCtx := errgroup.WithContext(ctx)
	for range b.options.writers {
		group.Go(func() error {
			for time.Since(start) < span {
				if err := k.ask(groupCtx, b, c, int(next.Add(1))); err != nil {
					return fmt.Errorf("%s: %w", c.program.Name, err)
				}
				done.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	return float64(done.Load()) / time.Since(start).Seconds(), err
}

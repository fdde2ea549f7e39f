package main

import (
	"context"
	"slices"
	"time"
)

// leastRequests is how many requests of a kind are made whatever they take.
const leastRequests = 3

// series are the measured times of each contender, in its place.
type series [][]time.Duration

// sample times a request to every contender in turn, so that what disturbs the
// machine disturbs all of them, up to n times or until its time is spent.
func (b *bench) sample(ctx context.Context, n int, request func(context.Context, *contender) error) (series, error) {
	times := make(series, len(b.contenders))
	spent := make([]time.Duration, len(b.contenders))
	for range n {
		for i, c := range b.contenders {
			if len(times[i]) >= leastRequests && spent[i] > b.options.budget {
				continue
			}
			start := time.Now()
			if err := request(ctx, c); err != nil {
				return nil, err
			}
			took := time.Since(start)
			times[i] = append(times[i], took)
			spent[i] += took
		}
	}
	return times, nil
}

// percentiles returns one percentile of each series, in seconds.
func (s series) percentiles(p int) []float64 {
	out := make([]float64, len(s))
	for i, times := range s {
		out[i] = percentile(times, p).Seconds()
	}
	return out
}

// percentile returns the p-th percentile (nearest rank) of some times.
func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// median returns the middle one of some values.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// poll asks until the answer is yes. The pause between two questions is as
// long as the question took, so that asking does not become the load.
func poll(ctx context.Context, patience, pause time.Duration, ask func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		start := time.Now()
		yes, err := ask(ctx)
		if yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(max(pause, time.Since(start))):
		}
	}
}

package main

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fixture"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// posts measures the throughput of writes through both APIs, alternating
// between the programs and the APIs.
func (b *bench) posts(ctx context.Context) error {
	service, rest := b.newDoor(), b.newDoor()
	for _, c := range b.contenders {
		// The first write of a peer may wait, so that its `created` cannot be
		// one that was given before the start.
		if _, err := b.write(ctx, c, 1, time.Hour, c.pins.post); err != nil {
			return err
		}
	}
	for range b.options.rounds {
		for i, c := range b.contenders {
			if err := b.round(ctx, c, &service[i], c.pins.post); err != nil {
				return err
			}
			if err := b.round(ctx, c, &rest[i], c.rest.postREST); err != nil {
				return err
			}
			if err := b.ownWrite(ctx, c); err != nil {
				return err
			}
		}
	}
	writers := fmt.Sprintf(", %d writers", b.options.writers)
	b.report.add("POST /pins"+writers, perSecond, service.rates())
	b.report.add("POST /pins, p50", seconds, service.times().percentiles(50))
	b.report.add("POST /pins, p99", seconds, service.times().percentiles(99))
	b.report.add("POST /pins/{cid} of the REST API"+writers, perSecond, rest.rates())
	b.report.add("POST /pins/{cid} of the REST API, p50", seconds, rest.times().percentiles(50))
	b.report.add("POST /pins/{cid} of the REST API, p99", seconds, rest.times().percentiles(99))
	b.report.add("POST /pins by POST /pins/{cid}", percent, quotients(service.rates(), rest.rates()))
	b.report.add("processor time of one POST /pins", seconds, service.processor())
	b.report.add("processor time of one POST /pins/{cid}", seconds, rest.processor())
	return nil
}

// door is what the rounds through one API of one contender gave.
type door struct {
	rates []float64
	times []time.Duration
	spent time.Duration // of the peer's processor time, until all was pinned
}

// doors are those of all contenders.
type doors []door

func (b *bench) newDoor() doors {
	return make(doors, len(b.contenders))
}

func (d doors) rates() []float64 {
	out := make([]float64, len(d))
	for i := range d {
		out[i] = median(d[i].rates)
	}
	return out
}

func (d doors) times() series {
	out := make(series, len(d))
	for i := range d {
		out[i] = d[i].times
	}
	return out
}

// processor returns the processor time of a request, which other load on the
// machine disturbs less than the rates.
func (d doors) processor() []float64 {
	out := make([]float64, len(d))
	for i := range d {
		out[i] = d[i].spent.Seconds() / float64(len(d[i].times))
	}
	return out
}

// round writes for the length of a round and waits until nothing is left of it.
func (b *bench) round(ctx context.Context, c *contender, d *door, post func(context.Context, fixture.Pin) error) error {
	before, err := process.ReadProcessorTime(c.pid)
	if err != nil {
		return err
	}
	w, err := b.write(ctx, c, math.MaxInt, b.options.duration, post)
	if err != nil {
		return err
	}
	d.rates = append(d.rates, w.rate())
	d.times = append(d.times, w.times...)
	if err := b.drain(ctx, c); err != nil {
		return err
	}
	after, err := process.ReadProcessorTime(c.pid)
	d.spent += after - before
	return err
}

// ownWrite checks that the last pin written is in the list.
func (b *bench) ownWrite(ctx context.Context, c *contender) error {
	last := posted(c.posted)
	got, err := c.pins.list(ctx, url.Values{"name": {last.Name}, "cid": {last.CID.String()}})
	if err != nil {
		return err
	}
	if len(got.Results) != 1 || got.Results[0].Pin.CID != last.CID.String() {
		b.deviates(c, "POST /pins", "the last pin posted is not in the list")
	}
	return nil
}

func quotients(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / b[i]
	}
	return out
}

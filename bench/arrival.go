package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fixture"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/ipfsstub"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

const (
	joinPatience    = 2 * time.Minute
	arrivalPatience = 10 * time.Minute
	// soon is how fast a single pin arrives when the peers hear each other.
	soon = 2 * time.Second
	// samples is how many pins are looked for before all are counted.
	samples = 100
)

// arrivals posts pins to one of two peers and waits until the other has them
// in its state. It is what crdt.batching decides.
func (b *bench) arrivals(ctx context.Context) error {
	var rates, arrived, total []float64
	for i, c := range b.contenders {
		p, err := b.newPair(ctx, c, filepath.Join(b.dir, fmt.Sprintf("pair%d", i)))
		if err == nil {
			err = p.join(ctx)
		}
		var w written
		var late time.Duration
		if err == nil {
			w, late, err = p.arrival(ctx, b)
		}
		p.close()
		if err != nil {
			return err
		}
		rates = append(rates, w.rate())
		arrived = append(arrived, late.Seconds())
		total = append(total, (w.took + late).Seconds())
	}
	n := b.options.arrivals
	b.report.add(fmt.Sprintf("POST /pins, %d pins, %d writers, two peers", n, b.options.writers), perSecond, rates)
	b.report.add("  last answer until the second peer has all", seconds, arrived)
	b.report.add("  first request until the second peer has all", seconds, total)
	return nil
}

// pair is two peers of a program in one cluster.
type pair struct {
	near    *contender // takes the pins
	stubs   []*ipfsstub.Stub
	peers   []*process.Peer
	far     client // REST API of the peer where pins arrive
	arrived int    // pins that the far peer is known to have
}

// newPair starts two empty peers, the second one bootstrapped to the first. The
// pair is to be closed even when there is an error.
func (b *bench) newPair(ctx context.Context, c *contender, path string) (*pair, error) {
	p := &pair{near: &contender{program: c.program, ours: c.ours}}
	options, bootstrap := c.options, ""
	for i := range 2 {
		stub, err := ipfsstub.Start()
		if err != nil {
			return p, err
		}
		p.stubs = append(p.stubs, stub)
		options.IPFS = stub.Multiaddr()
		folder, err := c.program.Init(ctx, fmt.Sprintf("%s-%d", path, i), options)
		if err != nil {
			return p, err
		}
		peer, err := folder.Start(ctx, bootstrap)
		if err != nil {
			return p, err
		}
		p.peers = append(p.peers, peer)
		pins, rest, err := clients(folder)
		if err != nil {
			return p, err
		}
		if i == 0 {
			p.near.pins, p.near.rest = pins, rest
		}
		p.far = rest
		options.Secret = folder.Secret()
		if bootstrap, err = folder.Multiaddr(); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (p *pair) close() {
	for _, peer := range p.peers {
		peer.Stop()
	}
	for _, stub := range p.stubs {
		stub.Close()
	}
}

// join waits until the peers know each other and a single pin arrives soon:
// gossip takes some seconds until it flows.
func (p *pair) join(ctx context.Context) error {
	err := poll(ctx, joinPatience, 200*time.Millisecond, func(ctx context.Context) (bool, error) {
		near, err := p.near.rest.members(ctx)
		if err != nil {
			return false, err
		}
		far, err := p.far.members(ctx)
		return near == 2 && far == 2, err
	})
	if err != nil {
		return fmt.Errorf("the peers don't find each other: %w", err)
	}
	err = poll(ctx, joinPatience, 0, func(ctx context.Context) (bool, error) {
		p.arrived++
		if err := p.near.pins.post(ctx, fixture.Fresh("canary", p.arrived)); err != nil {
			return false, err
		}
		return p.has(ctx, p.arrived, nil, soon) == nil, ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("no pin arrives: %w", err)
	}
	return nil
}

// has waits until the far peer has n pins in its state, and is cheap enough not
// to slow it down: first it looks for some of them, one by one, and counts only
// when these are there.
func (p *pair) has(ctx context.Context, n int, some []fixture.Pin, patience time.Duration) error {
	return poll(ctx, patience, 20*time.Millisecond, func(ctx context.Context) (bool, error) {
		for len(some) > 0 {
			there, err := p.far.allocated(ctx, some[0])
			if !there || err != nil {
				return false, err
			}
			some = some[1:]
		}
		have, err := p.far.allocations(ctx)
		return have >= n, err
	})
}

// arrival posts the pins and returns how that went, and the time from the last
// answer until the far peer had all of them.
func (p *pair) arrival(ctx context.Context, b *bench) (written, time.Duration, error) {
	w, err := b.write(ctx, p.near, b.options.arrivals, time.Hour, p.near.pins.post)
	if err != nil {
		return w, 0, err
	}
	start := time.Now()
	var some []fixture.Pin
	for i := 1; i <= len(w.times); i += max(1, len(w.times)/samples) {
		some = append(some, posted(i))
	}
	err = p.has(ctx, p.arrived+len(w.times), some, arrivalPatience)
	return w, time.Since(start), err
}

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/history"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
	"golang.org/x/sync/errgroup"
)

const (
	// arrivalBound is how long pins may take to the other peers, from the last
	// answer on.
	arrivalBound = 20 * time.Second
	// returnBound is how long a peer that was away may take, from its start on,
	// to have what it has missed.
	returnBound = 30 * time.Second
	// posters write at the same time.
	posters = 8
)

// replication has one of three peers accept pins as fast as it can, and waits
// until the others have them: first with all three there, then with one away.
func replication(ctx context.Context, e *rig.Env) (counts, error) {
	r := replicating{Env: e, ledger: history.New()}
	var err error
	if r.cluster, err = e.NewCluster(ctx, 3, process.Options{}); err != nil {
		return r.counts(), err
	}
	near, far := r.cluster[0], r.cluster[2]
	if err = r.post(ctx, near, e.Pick(10_000, 2_000)); err != nil {
		return r.counts(), err
	}
	if r.arrival, err = r.arrive(ctx, time.Now(), r.within(arrivalBound), r.cluster[1:]...); err != nil {
		return r.counts(), err
	}
	far.Stop()
	before := r.posted
	if err = r.post(ctx, near, e.Pick(5_000, 1_000)); err != nil {
		return r.counts(), err
	}
	r.missed = r.posted - before
	address, err := near.Folder.Multiaddr()
	if err != nil {
		return r.counts(), err
	}
	start := time.Now()
	if _, err = far.Start(ctx, address); err != nil {
		return r.counts(), err
	}
	r.back, err = r.arrive(ctx, start, r.within(returnBound), far)
	return r.counts(), err
}

type replicating struct {
	*rig.Env
	cluster rig.Cluster
	ledger  *history.History

	posted, missed int
	took           time.Duration // to accept them
	arrival, back  time.Duration
}

func (r *replicating) counts() counts {
	return counts{
		{"pins", r.posted}, {"accepted in ms", int(r.took.Milliseconds())},
		{"at both others after ms", int(r.arrival.Milliseconds())}, {"bound", int(r.within(arrivalBound).Milliseconds())},
		{"missed by the third", r.missed},
		{"there after ms", int(r.back.Milliseconds())}, {"bound", int(r.within(returnBound).Milliseconds())},
	}
}

// within is a bound for this machine. The short form has fewer pins, and half the
// time: nodes that come one by one are late for that, too.
func (r *replicating) within(bound time.Duration) time.Duration {
	if r.Short {
		bound /= 2
	}
	return r.Bound(bound)
}

// post has a peer accept n more pins.
func (r *replicating) post(ctx context.Context, p *rig.Peer, n int) error {
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(posters)
	for range n {
		r.posted++
		i := r.posted
		group.Go(func() error {
			pin := history.Pin{Name: fmt.Sprintf("pin %d", i), Meta: fmt.Sprint(i % 7)}
			id := rig.InlineCID(fmt.Sprintf("replication %d", i))
			change := r.ledger.Write(id, pin)
			s, err := p.Pins.Post(ctx, rig.BodyOf(id, pin))
			if err != nil {
				return err
			}
			return change.Acknowledged(s.Created)
		})
	}
	err := group.Wait()
	r.took += time.Since(start)
	r.Logf("%d pins accepted in %s", n, time.Since(start).Round(time.Millisecond))
	return err
}

// arrive waits until peers have all pins that were posted, and returns how long
// that took since a time. They are counted while it waits, which is cheap, and
// compared in the end.
func (r *replicating) arrive(ctx context.Context, since time.Time, within time.Duration, peers ...*rig.Peer) (time.Duration, error) {
	err := rig.Eventually(ctx, time.Until(since.Add(within)), func(ctx context.Context) error {
		for _, p := range peers {
			n, err := p.Pins.Count(ctx, rig.AnyStatus)
			if err != nil {
				return err
			}
			if n != r.posted {
				return fmt.Errorf("%s has %d of %d pins", p.Name, n, r.posted)
			}
		}
		return nil
	})
	took := time.Since(since)
	if err != nil {
		return took, err
	}
	for _, p := range peers {
		found, _, err := p.Pins.All(ctx)
		if err != nil {
			return took, err
		}
		if d := r.ledger.Check(found); !d.None() {
			return took, fmt.Errorf("%s: %s", p.Name, d)
		}
		if err := p.Alive(); err != nil {
			return took, err
		}
	}
	return took, nil
}

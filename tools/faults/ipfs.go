package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/history"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

const (
	// ipfsQueued is how many pins wait while Kubo is away, and in the short form.
	ipfsQueued, ipfsQueuedShort = 1000, 500
	// ipfsWriters write all the time.
	ipfsWriters = 8
	// pinnedBound is how long it may take until everything is pinned.
	pinnedBound = 2 * time.Minute
)

// ipfsGone stops a peer's Kubo, cleanly and by force, while pins are queued and
// others are written. Writes are taken, answers come in time, no pin fails, and
// all are pinned when it is back.
func ipfsGone(ctx context.Context, e *env) (counts, error) {
	g := &absence{env: e, writers: newWriters(e, ipfsWriters, "ipfs")}
	err := g.prepare(ctx)
	// SIGKILL leaves requests broken off, a clean end lets some fail.
	signals, first := []os.Signal{syscall.SIGTERM, os.Kill}, e.rand.IntN(2)
	for i := 0; err == nil && i < e.pick(2, 1); i++ {
		err = g.away(ctx, i, signals[(first+i)%2])
	}
	return g.counts(), err
}

// absence is a peer, its Kubo and what is written to it.
type absence struct {
	*env
	kubo    *kubo
	peer    *peer
	writers *writers
	watched pinStatus

	stops, posted, asked int
	waiting              int // pins that were not pinned when Kubo was back
	slowest, pinnedAfter time.Duration
}

func (g *absence) counts() counts {
	return counts{{"stops", g.stops}, {"queued pins", g.posted}, {"acknowledged writes", int(g.writers.answered.Load())},
		{"refused", int(g.writers.unanswered.Load())}, {"answers", g.asked}, {"slowest answer ms", int(g.slowest.Milliseconds())},
		{"waiting at the return", g.waiting}, {"pinned after ms", int(g.pinnedAfter.Milliseconds())}}
}

func (g *absence) prepare(ctx context.Context) (err error) {
	if g.kubo, err = g.newKubo(ctx); err != nil {
		return err
	}
	if err := g.kubo.start(ctx); err != nil {
		return err
	}
	g.peer, err = g.newPeer(ctx, "peer", process.Options{IPFS: g.kubo.multiaddr(), InitFlags: []string{"--ipfs", "kubo"}})
	if err != nil {
		return err
	}
	if _, err := g.peer.start(ctx, ""); err != nil {
		return err
	}
	g.watched, err = g.peer.pins.post(ctx, pinBody{CID: inlineCID("watched"), Name: "watched"})
	return err
}

// away lets Kubo be away for a while.
func (g *absence) away(ctx context.Context, round int, how os.Signal) error {
	g.stops++
	g.logf("Kubo ends by %s", how)
	during, end := context.WithCancel(ctx)
	defer end()
	var stopped atomic.Bool
	err := together(ctx,
		func(context.Context) error {
			defer end()
			return g.writers.run(during, g.peer.pins)
		},
		func(context.Context) error {
			defer end()
			asked, slowest, err := cluster{g.peer}.watchAnswers(during, g.watched.RequestID)
			g.asked, g.slowest = g.asked+asked, max(g.slowest, slowest)
			return err
		},
		func(context.Context) error {
			defer end()
			return g.watchFailed(during)
		},
		func(context.Context) error { return g.post(during, round, &stopped) },
		func(context.Context) error {
			defer end()
			sleep(during, 300*time.Millisecond) // some are pinned, some are under way
			g.kubo.stop(how)
			stopped.Store(true)
			sleep(during, time.Duration(g.pick(60, 5))*time.Second)
			var err error
			if g.waiting, err = g.peer.pins.count(during, "queued,pinning"); err != nil {
				return err
			}
			if g.waiting < g.pick(ipfsQueued, ipfsQueuedShort)/2 {
				return fmt.Errorf("only %d pins wait for Kubo", g.waiting)
			}
			if err := g.kubo.start(during); err != nil {
				return err
			}
			sleep(during, time.Second) // writes go on
			return nil
		})
	if err != nil {
		return err
	}
	return g.settled(ctx)
}

// post adds the pins of a round: half of them while Kubo ends, half when it is
// away.
func (g *absence) post(ctx context.Context, round int, stopped *atomic.Bool) error {
	n := g.pick(ipfsQueued, ipfsQueuedShort)
	for i := range n {
		for i == n/2 && !stopped.Load() && ctx.Err() == nil {
			sleep(ctx, 10*time.Millisecond)
		}
		id, p := inlineCID(fmt.Sprintf("queued %d %d", round, i)), history.Pin{Name: fmt.Sprintf("queued %d", i)}
		change := g.writers.ledger.Write(id, p)
		s, err := g.peer.pins.post(ctx, bodyOf(id, p))
		if err == nil {
			err = errors.Join(change.Acknowledged(s.Created), noFailed(s))
		}
		if err != nil {
			return fmt.Errorf("a pin is to be queued: %w", err)
		}
		g.posted++
	}
	return nil
}

// watchFailed returns an error when a pin is failed, until the context ends.
func (g *absence) watchFailed(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := g.peer.pins.count(ctx, "failed")
		switch {
		case ctx.Err() != nil:
		case err != nil:
			return err
		case n > 0:
			return fmt.Errorf("%d pins are failed", n)
		}
		sleep(ctx, 100*time.Millisecond)
	}
	return nil
}

// settled waits until everything is pinned, and sees that nothing was refused,
// nothing failed and nothing is lost.
func (g *absence) settled(ctx context.Context) error {
	if n := g.writers.unanswered.Load(); n > 0 {
		return fmt.Errorf("%d writes were refused", n)
	}
	start := time.Now()
	during, end := context.WithCancel(ctx)
	defer end()
	err := together(ctx,
		func(context.Context) error { return g.watchFailed(during) },
		func(ctx context.Context) error {
			defer end()
			return eventually(ctx, g.bound(pinnedBound), func(ctx context.Context) error {
				n, err := g.peer.pins.count(ctx, "queued,pinning")
				if err == nil && n > 0 {
					err = fmt.Errorf("%d pins are not pinned", n)
				}
				return err
			})
		})
	g.pinnedAfter = max(g.pinnedAfter, time.Since(start))
	if err != nil {
		return err
	}
	g.logf("%d were waiting, all were pinned %s after the last write", g.waiting, time.Since(start).Round(time.Millisecond))
	return g.check(ctx)
}

func (g *absence) check(ctx context.Context) error {
	found, statuses, err := g.peer.pins.all(ctx)
	if err != nil {
		return err
	}
	if n := len(found); statuses["pinned"] != n {
		return fmt.Errorf("of %d pins %v", n, statuses)
	}
	delete(found, g.watched.Pin.CID)
	if d := g.writers.ledger.Check(found); !d.None() {
		return errors.New(d.String())
	}
	return g.peer.alive()
}

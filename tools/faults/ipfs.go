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
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
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
func ipfsGone(ctx context.Context, e *rig.Env) (counts, error) {
	g := &absence{Env: e, writers: rig.NewWriters(e, ipfsWriters, "ipfs")}
	err := g.prepare(ctx)
	// SIGKILL leaves requests broken off, a clean end lets some fail.
	signals, first := []os.Signal{syscall.SIGTERM, os.Kill}, e.Rand.IntN(2)
	for i := 0; err == nil && i < e.Pick(2, 1); i++ {
		err = g.away(ctx, i, signals[(first+i)%2])
	}
	return g.counts(), err
}

// absence is a peer, its Kubo and what is written to it.
type absence struct {
	*rig.Env
	kubo    *rig.Kubo
	peer    *rig.Peer
	writers *rig.Writers
	watched rig.PinStatus

	stops, posted, asked int
	waiting              int // pins that were not pinned when Kubo was back
	slowest, pinnedAfter time.Duration
}

func (g *absence) counts() counts {
	return counts{{"stops", g.stops}, {"queued pins", g.posted}, {"acknowledged writes", int(g.writers.Answered.Load())},
		{"refused", int(g.writers.Unanswered.Load())}, {"answers", g.asked}, {"slowest answer ms", int(g.slowest.Milliseconds())},
		{"waiting at the return", g.waiting}, {"pinned after ms", int(g.pinnedAfter.Milliseconds())}}
}

func (g *absence) prepare(ctx context.Context) (err error) {
	if g.kubo, err = g.NewKubo(ctx); err != nil {
		return err
	}
	if err := g.kubo.Start(ctx); err != nil {
		return err
	}
	g.peer, err = g.NewPeer(ctx, "peer", process.Options{IPFS: g.kubo.Multiaddr(), InitFlags: []string{"--ipfs", "kubo"}})
	if err != nil {
		return err
	}
	if _, err := g.peer.Start(ctx, ""); err != nil {
		return err
	}
	g.watched, err = g.peer.Pins.Post(ctx, rig.PinBody{CID: rig.InlineCID("watched"), Name: "watched"})
	return err
}

// away lets Kubo be away for a while.
func (g *absence) away(ctx context.Context, round int, how os.Signal) error {
	g.stops++
	g.Logf("Kubo ends by %s", how)
	during, end := context.WithCancel(ctx)
	defer end()
	var stopped atomic.Bool
	err := rig.Concurrently(ctx,
		func(context.Context) error {
			defer end()
			return g.writers.Run(during, g.peer.Pins)
		},
		func(context.Context) error {
			defer end()
			asked, slowest, err := rig.Cluster{g.peer}.WatchAnswers(during, g.watched.RequestID)
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
			rig.Sleep(during, 300*time.Millisecond) // some are pinned, some are under way
			g.kubo.Stop(how)
			stopped.Store(true)
			rig.Sleep(during, time.Duration(g.Pick(60, 5))*time.Second)
			var err error
			if g.waiting, err = g.peer.Pins.Count(during, "queued,pinning"); err != nil {
				return err
			}
			if g.waiting < g.Pick(ipfsQueued, ipfsQueuedShort)/2 {
				return fmt.Errorf("only %d pins wait for Kubo", g.waiting)
			}
			if err := g.kubo.Start(during); err != nil {
				return err
			}
			rig.Sleep(during, time.Second) // writes go on
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
	n := g.Pick(ipfsQueued, ipfsQueuedShort)
	for i := range n {
		for i == n/2 && !stopped.Load() && ctx.Err() == nil {
			rig.Sleep(ctx, 10*time.Millisecond)
		}
		id, p := rig.InlineCID(fmt.Sprintf("queued %d %d", round, i)), history.Pin{Name: fmt.Sprintf("queued %d", i)}
		change := g.writers.Ledger.Write(id, p)
		s, err := g.peer.Pins.Post(ctx, rig.BodyOf(id, p))
		if err == nil {
			err = errors.Join(change.Acknowledged(s.Created), rig.NoFailed(s))
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
		n, err := g.peer.Pins.Count(ctx, "failed")
		switch {
		case ctx.Err() != nil:
		case err != nil:
			return err
		case n > 0:
			return fmt.Errorf("%d pins are failed", n)
		}
		rig.Sleep(ctx, 100*time.Millisecond)
	}
	return nil
}

// settled waits until everything is pinned, and sees that nothing was refused,
// nothing failed and nothing is lost.
func (g *absence) settled(ctx context.Context) error {
	if n := g.writers.Unanswered.Load(); n > 0 {
		return fmt.Errorf("%d writes were refused", n)
	}
	start := time.Now()
	during, end := context.WithCancel(ctx)
	defer end()
	err := rig.Concurrently(ctx,
		func(context.Context) error { return g.watchFailed(during) },
		func(ctx context.Context) error {
			defer end()
			return rig.Eventually(ctx, g.Bound(pinnedBound), func(ctx context.Context) error {
				n, err := g.peer.Pins.Count(ctx, "queued,pinning")
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
	g.Logf("%d were waiting, all were pinned %s after the last write", g.waiting, time.Since(start).Round(time.Millisecond))
	return g.check(ctx)
}

func (g *absence) check(ctx context.Context) error {
	found, statuses, err := g.peer.Pins.All(ctx)
	if err != nil {
		return err
	}
	if n := len(found); statuses["pinned"] != n {
		return fmt.Errorf("of %d pins %v", n, statuses)
	}
	delete(found, g.watched.Pin.CID)
	if d := g.writers.Ledger.Check(found); !d.None() {
		return errors.New(d.String())
	}
	return g.peer.Alive()
}

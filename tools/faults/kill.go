package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

// latestKill is when a peer is killed at the latest after it has begun to
// answer. Its first write may take a second.
const latestKill = 3 * time.Second

// killRound is a configuration under which a peer is killed.
type killRound struct {
	name        string
	long, short int // kills
	options     process.Options
}

func killRounds() []killRound {
	batching := func(key string, value any) process.Setting {
		return process.Setting{Value: value, Path: []string{"consensus", "crdt", "batching", key}}
	}
	return []killRound{
		{"default", 50, 3, process.Options{}},
		{"unbatched", 20, 2, process.Options{Set: []process.Setting{batching("max_batch_size", 0), batching("max_batch_age", "0s")}}},
		{"raft", 20, 2, process.Options{InitFlags: []string{"--consensus", "raft"}}},
	}
}

// kill kills a peer at random moments under four writers. What was acknowledged
// is there after each start, as it was.
func kill(ctx context.Context, e *rig.Env) (counts, error) {
	var kills, answered, unanswered, pins int
	var slowest time.Duration
	sum := func() counts {
		return counts{{"kills", kills}, {"acknowledged writes", answered}, {"unanswered", unanswered},
			{"pins in the end", pins}, {"slowest start ms", int(slowest.Milliseconds())}}
	}
	for _, round := range killRounds() {
		w := rig.NewWriters(e, 4, round.name)
		p, err := e.NewPeer(ctx, round.name, round.options)
		if err != nil {
			return sum(), err
		}
		if _, err := p.Start(ctx, ""); err != nil {
			return sum(), err
		}
		for range e.Pick(round.long, round.short) {
			took, err := killOnce(ctx, e, p, w)
			kills++
			slowest = max(slowest, took)
			if err != nil {
				return sum(), fmt.Errorf("%s: %w", round.name, err)
			}
		}
		p.Stop()
		answered += int(w.Answered.Load())
		unanswered += int(w.Unanswered.Load())
		pins += w.Ledger.Present()
		e.Logf("%s: %d acknowledged, %d unanswered, nothing lost", round.name, w.Answered.Load(), w.Unanswered.Load())
	}
	return sum(), nil
}

// killOnce writes, kills the peer, starts it again and looks.
func killOnce(ctx context.Context, e *rig.Env, p *rig.Peer, w *rig.Writers) (started time.Duration, err error) {
	moment := 100*time.Millisecond + time.Duration(e.Rand.Int64N(int64(latestKill)))
	writing, end := context.WithCancel(ctx)
	err = rig.Concurrently(ctx,
		func(context.Context) error { return w.Run(writing, p.Pins) },
		func(ctx context.Context) error {
			defer end()
			rig.Sleep(ctx, moment)
			p.Kill()
			return nil
		})
	if err != nil {
		return 0, err
	}
	if started, err = p.Start(ctx, ""); err != nil {
		return 0, err
	}
	if started > e.Bound(rig.StartBound) {
		return started, fmt.Errorf("a start took %s", started)
	}
	if err := w.Check(ctx, p.Pins); err != nil {
		return started, err
	}
	return started, p.Sound()
}

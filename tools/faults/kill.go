package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
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
func kill(ctx context.Context, e *env) (counts, error) {
	var kills, answered, unanswered, pins int
	var slowest time.Duration
	sum := func() counts {
		return counts{{"kills", kills}, {"acknowledged writes", answered}, {"unanswered", unanswered},
			{"pins in the end", pins}, {"slowest start ms", int(slowest.Milliseconds())}}
	}
	for _, round := range killRounds() {
		w := newWriters(e, 4, round.name)
		p, err := e.newPeer(ctx, round.name, round.options)
		if err != nil {
			return sum(), err
		}
		if _, err := p.start(ctx, ""); err != nil {
			return sum(), err
		}
		for range e.pick(round.long, round.short) {
			took, err := e.killOnce(ctx, p, w)
			kills++
			slowest = max(slowest, took)
			if err != nil {
				return sum(), fmt.Errorf("%s: %w", round.name, err)
			}
		}
		p.stop()
		answered += int(w.answered.Load())
		unanswered += int(w.unanswered.Load())
		pins += w.ledger.Present()
		e.logf("%s: %d acknowledged, %d unanswered, nothing lost", round.name, w.answered.Load(), w.unanswered.Load())
	}
	return sum(), nil
}

// killOnce writes, kills the peer, starts it again and looks.
func (e *env) killOnce(ctx context.Context, p *peer, w *writers) (started time.Duration, err error) {
	moment := 100*time.Millisecond + time.Duration(e.rand.Int64N(int64(latestKill)))
	writing, end := context.WithCancel(ctx)
	err = together(ctx,
		func(context.Context) error { return w.run(writing, p.pins) },
		func(ctx context.Context) error {
			defer end()
			sleep(ctx, moment)
			p.kill()
			return nil
		})
	if err != nil {
		return 0, err
	}
	if started, err = p.start(ctx, ""); err != nil {
		return 0, err
	}
	if started > e.bound(startBound) {
		return started, fmt.Errorf("a start took %s", started)
	}
	if err := w.check(ctx, p.pins); err != nil {
		return started, err
	}
	return started, p.sound()
}

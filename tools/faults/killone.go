package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

// sameBound is how long peers may take to have the same pinset after one of them
// was killed and has started again.
const sameBound = 2 * time.Minute

// killOne kills one of three peers after the other at random moments, while all
// of them are written to. After each start the whole pinsets of the three are
// compared, answered or not: the commit that was interrupted is at all of them or
// at none.
func killOne(ctx context.Context, e *rig.Env) (counts, error) {
	var kills, compared, pins, answered, unanswered int
	var slowest time.Duration
	sum := func() counts {
		return counts{{"kills", kills}, {"whole pinsets compared", compared}, {"pins in the end", pins},
			{"acknowledged writes", answered}, {"unanswered", unanswered}, {"slowest until equal ms", int(slowest.Milliseconds())}}
	}
	c, err := e.NewCluster(ctx, 3, process.Options{})
	if err != nil {
		return sum(), err
	}
	w := rig.NewWriters(e, 6, "killone")
	for i := range e.Pick(60, 3) {
		victim := c[i%len(c)]
		bootstrap, err := c[(i+1)%len(c)].Folder.Multiaddr()
		if err != nil {
			return sum(), err
		}
		writing, end := context.WithCancel(ctx)
		err = rig.Concurrently(ctx,
			func(context.Context) error { return w.Run(writing, c.Clients()...) },
			func(ctx context.Context) error {
				defer end()
				rig.Sleep(ctx, 100*time.Millisecond+time.Duration(e.Rand.Int64N(int64(latestKill))))
				victim.Kill()
				kills++
				return nil
			})
		answered, unanswered = int(w.Answered.Load()), int(w.Unanswered.Load())
		if err != nil {
			return sum(), err
		}
		if _, err := victim.Start(ctx, bootstrap); err != nil {
			return sum(), err
		}
		found, took, err := c.Same(ctx, e.Bound(sameBound))
		slowest = max(slowest, took)
		if err != nil {
			return sum(), fmt.Errorf("after kill %d, of %s: %w", kills, victim.Name, err)
		}
		compared += len(c)
		pins = len(found)
		if d := w.Ledger.Check(found); !d.None() {
			return sum(), fmt.Errorf("after kill %d, of %s: %s", kills, victim.Name, d)
		}
		if err := victim.Sound(); err != nil {
			return sum(), err
		}
	}
	return sum(), nil
}

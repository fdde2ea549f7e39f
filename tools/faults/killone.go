package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// sameBound is how long peers may take to have the same pinset after one of them
// was killed and has started again.
const sameBound = 2 * time.Minute

// killOne kills one of three peers after the other at random moments, while all
// of them are written to. After each start the whole pinsets of the three are
// compared, answered or not: the commit that was interrupted is at all of them or
// at none.
func killOne(ctx context.Context, e *env) (counts, error) {
	var kills, compared, pins, answered, unanswered int
	var slowest time.Duration
	sum := func() counts {
		return counts{{"kills", kills}, {"whole pinsets compared", compared}, {"pins in the end", pins},
			{"acknowledged writes", answered}, {"unanswered", unanswered}, {"slowest until equal ms", int(slowest.Milliseconds())}}
	}
	c, err := e.newCluster(ctx, 3, process.Options{})
	if err != nil {
		return sum(), err
	}
	w := newWriters(e, 6, "killone")
	for i := range e.pick(60, 3) {
		victim := c[i%len(c)]
		bootstrap, err := c[(i+1)%len(c)].folder.Multiaddr()
		if err != nil {
			return sum(), err
		}
		writing, end := context.WithCancel(ctx)
		err = together(ctx,
			func(context.Context) error { return w.run(writing, c.clients()...) },
			func(ctx context.Context) error {
				defer end()
				sleep(ctx, 100*time.Millisecond+time.Duration(e.rand.Int64N(int64(latestKill))))
				victim.kill()
				kills++
				return nil
			})
		answered, unanswered = int(w.answered.Load()), int(w.unanswered.Load())
		if err != nil {
			return sum(), err
		}
		if _, err := victim.start(ctx, bootstrap); err != nil {
			return sum(), err
		}
		found, took, err := c.same(ctx, e.bound(sameBound))
		slowest = max(slowest, took)
		if err != nil {
			return sum(), fmt.Errorf("after kill %d, of %s: %w", kills, victim.name, err)
		}
		compared += len(c)
		pins = len(found)
		if d := w.ledger.Check(found); !d.None() {
			return sum(), fmt.Errorf("after kill %d, of %s: %s", kills, victim.name, d)
		}
		if err := victim.sound(); err != nil {
			return sum(), err
		}
	}
	return sum(), nil
}

package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

const (
	// pauseBound is how long adds may have no success.
	pauseBound = 2 * time.Second
	// catchUpBound is how long a peer may take to have what it has missed.
	catchUpBound = time.Minute
	// queuedPins are so many that a list of them does not fit into what two
	// peers hold for each other.
	queuedPins = 10_000
)

// frozen freezes one of three peers under writers: once like that, and once
// while it reads a list of queued pins from the others. They answer, take pins
// and call none failed, and the frozen one catches up when it is thawed.
func frozen(ctx context.Context, e *env) (counts, error) {
	f := freezing{env: e, writers: newWriters(e, 4, "frozen")}
	pinTimeout := process.Setting{Value: "1h", Path: []string{"ipfs_connector", "embedded", "pin_timeout"}}
	var err error
	if f.cluster, err = e.newCluster(ctx, 3, process.Options{Set: []process.Setting{pinTimeout}}); err != nil {
		return f.counts(), err
	}
	if f.watched, err = f.cluster[0].pins.post(ctx, pinBody{CID: inlineCID("watched"), Name: "watched"}); err != nil {
		return f.counts(), err
	}
	if err := f.freeze(ctx, func() {}); err != nil {
		return f.counts(), err
	}
	if err := f.queue(ctx, e.pick(queuedPins, queuedPins/5)); err != nil {
		return f.counts(), err
	}
	stop, err := f.startReading(ctx)
	defer stop()
	if err == nil {
		err = f.freeze(ctx, stop)
	}
	return f.counts(), err
}

type freezing struct {
	*env
	cluster cluster
	writers *writers
	watched pinStatus

	freezes, asked, queued   int
	slowestAnswer, catchesUp time.Duration
	writersPause             time.Duration
}

func (f *freezing) counts() counts {
	return counts{{"freezes", f.freezes}, {"queued pins", f.queued}, {"answers", f.asked},
		{"slowest answer ms", int(f.slowestAnswer.Milliseconds())},
		{"acknowledged writes", int(f.writers.answered.Load())}, {"unanswered", int(f.writers.unanswered.Load())},
		{"longest pause ms", int(f.writersPause.Milliseconds())}, {"caught up after ms", int(f.catchesUp.Milliseconds())}}
}

// queue adds pins whose content nobody has.
func (f *freezing) queue(ctx context.Context, n int) error {
	f.queued = n
	if err := addMissing(ctx, f.cluster[0].pins, n, "queued"); err != nil {
		return err
	}
	_, _, err := f.cluster.same(ctx, f.bound(catchUpBound))
	return err
}

// addMissing adds pins whose content nobody has, by eight writers.
func addMissing(ctx context.Context, c *client, n int, series string) error {
	const writers = 8
	var fns []func(context.Context) error
	for w := range writers {
		fns = append(fns, func(ctx context.Context) error {
			for i := w; i < n; i += writers {
				if _, err := c.post(ctx, pinBody{CID: missingCID(fmt.Sprintf("%s %d", series, i))}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return together(ctx, fns...)
}

// readers is how many lists are read at the same time.
const readers = 4

// startReading lets the third peer read what the others have queued, list after
// list, so that whenever it is frozen it is in the middle of some. It returns
// when one was read to its end, and how to stop it.
func (f *freezing) startReading(ctx context.Context) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	read := make(chan error, readers)
	for range readers {
		group.Go(func() {
			for ctx.Err() == nil {
				_, err := f.cluster[2].rest.send(ctx, http.MethodGet, "/pins", "", nil)
				select {
				case read <- err:
				default:
				}
				if err != nil {
					sleep(ctx, 100*time.Millisecond)
				}
			}
		})
	}
	stop = func() { cancel(); group.Wait() }
	select {
	case err = <-read:
	case <-ctx.Done():
		err = ctx.Err()
	}
	// By now they are anywhere in their next list.
	sleep(ctx, time.Duration(f.rand.Int64N(int64(200*time.Millisecond))))
	return stop, err
}

// freeze freezes the third peer for a while, writes to the others and watches
// them, thaws it and waits until it has everything. What the third was asked
// for meanwhile ends when it is thawed.
func (f *freezing) freeze(ctx context.Context, thawed func()) error {
	f.freezes++
	awake, third := f.cluster[:2], f.cluster[2]
	if err := third.running.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	thaw := sync.OnceValue(func() error { return third.running.Signal(syscall.SIGCONT) })
	defer thaw()
	f.writers.longest.Store(0)
	err := f.writeAndWatch(ctx, awake, time.Duration(f.pick(30, 6))*time.Second)
	if err != nil {
		return err
	}
	if err := awake.noneFailed(ctx); err != nil {
		return fmt.Errorf("while one is frozen: %w", err)
	}
	if err := thaw(); err != nil {
		return err
	}
	thawed()
	pins, took, err := f.cluster.same(ctx, f.bound(catchUpBound))
	f.catchesUp = max(f.catchesUp, took)
	if err != nil {
		return fmt.Errorf("after the thaw: %w", err)
	}
	f.logf("caught up with %d pins after %s", len(pins), took.Round(time.Millisecond))
	return f.check(ctx)
}

// writeAndWatch writes to peers and watches their answers for a while.
func (f *freezing) writeAndWatch(ctx context.Context, awake cluster, span time.Duration) error {
	during, end := context.WithTimeout(ctx, span)
	defer end()
	err := together(ctx,
		func(context.Context) error {
			defer end()
			return f.writers.run(during, awake.clients()...)
		},
		func(context.Context) error {
			defer end()
			asked, slowest, err := awake.watchAnswers(during, f.watched.RequestID)
			f.asked, f.slowestAnswer = f.asked+asked, max(f.slowestAnswer, slowest)
			return err
		})
	pause := time.Duration(f.writers.longest.Load())
	f.writersPause = max(f.writersPause, pause)
	if err == nil && pause > f.bound(pauseBound) {
		err = fmt.Errorf("a writer had no success for %s", pause)
	}
	return err
}

// check sees that nothing that was acknowledged is lost and no pin failed.
func (f *freezing) check(ctx context.Context) error {
	for _, p := range f.cluster {
		found, statuses, err := p.pins.all(ctx)
		if err != nil {
			return err
		}
		if n := statuses["failed"]; n > 0 {
			return fmt.Errorf("%s: %d pins are failed", p.name, n)
		}
		delete(found, f.watched.Pin.CID)
		for i := range f.queued {
			delete(found, missingCID(fmt.Sprintf("queued %d", i)))
		}
		if d := f.writers.ledger.Check(found); !d.None() {
			return fmt.Errorf("%s: %s", p.name, d)
		}
		if err := p.alive(); err != nil {
			return err
		}
	}
	return nil
}

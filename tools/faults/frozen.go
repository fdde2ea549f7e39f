package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
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
func frozen(ctx context.Context, e *rig.Env) (counts, error) {
	f := freezing{Env: e, writers: rig.NewWriters(e, 4, "frozen")}
	pinTimeout := process.Setting{Value: "1h", Path: []string{"ipfs_connector", "embedded", "pin_timeout"}}
	var err error
	if f.cluster, err = e.NewCluster(ctx, 3, process.Options{Set: []process.Setting{pinTimeout}}); err != nil {
		return f.counts(), err
	}
	if f.watched, err = f.cluster[0].Pins.Post(ctx, rig.PinBody{CID: rig.InlineCID("watched"), Name: "watched"}); err != nil {
		return f.counts(), err
	}
	if err := f.freeze(ctx, func() {}); err != nil {
		return f.counts(), err
	}
	if err := f.queue(ctx, e.Pick(queuedPins, queuedPins/5)); err != nil {
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
	*rig.Env
	cluster rig.Cluster
	writers *rig.Writers
	watched rig.PinStatus

	freezes, asked, queued   int
	slowestAnswer, catchesUp time.Duration
	writersPause             time.Duration
}

func (f *freezing) counts() counts {
	return counts{{"freezes", f.freezes}, {"queued pins", f.queued}, {"answers", f.asked},
		{"slowest answer ms", int(f.slowestAnswer.Milliseconds())},
		{"acknowledged writes", int(f.writers.Answered.Load())}, {"unanswered", int(f.writers.Unanswered.Load())},
		{"longest pause ms", int(f.writersPause.Milliseconds())}, {"caught up after ms", int(f.catchesUp.Milliseconds())}}
}

// queue adds pins whose content nobody has.
func (f *freezing) queue(ctx context.Context, n int) error {
	f.queued = n
	if err := addMissing(ctx, f.cluster[0].Pins, n, "queued"); err != nil {
		return err
	}
	_, _, err := f.cluster.Same(ctx, f.Bound(catchUpBound))
	return err
}

// addMissing adds pins whose content nobody has, by eight writers.
func addMissing(ctx context.Context, c *rig.Client, n int, series string) error {
	const writers = 8
	var fns []func(context.Context) error
	for w := range writers {
		fns = append(fns, func(ctx context.Context) error {
			for i := w; i < n; i += writers {
				if _, err := c.Post(ctx, rig.PinBody{CID: rig.MissingCID(fmt.Sprintf("%s %d", series, i))}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return rig.Concurrently(ctx, fns...)
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
				_, err := f.cluster[2].Rest.Send(ctx, http.MethodGet, "/pins", "", nil)
				select {
				case read <- err:
				default:
				}
				if err != nil {
					rig.Sleep(ctx, 100*time.Millisecond)
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
	rig.Sleep(ctx, time.Duration(f.Rand.Int64N(int64(200*time.Millisecond))))
	return stop, err
}

// freeze freezes the third peer for a while, writes to the others and watches
// them, thaws it and waits until it has everything. What the third was asked
// for meanwhile ends when it is thawed.
func (f *freezing) freeze(ctx context.Context, thawed func()) error {
	f.freezes++
	awake, third := f.cluster[:2], f.cluster[2]
	if err := third.Running.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	thaw := sync.OnceValue(func() error { return third.Running.Signal(syscall.SIGCONT) })
	defer thaw()
	f.writers.Longest.Store(0)
	err := f.writeAndWatch(ctx, awake, time.Duration(f.Pick(30, 6))*time.Second)
	if err != nil {
		return err
	}
	if err := awake.NoneFailed(ctx); err != nil {
		return fmt.Errorf("while one is frozen: %w", err)
	}
	if err := thaw(); err != nil {
		return err
	}
	thawed()
	pins, took, err := f.cluster.Same(ctx, f.Bound(catchUpBound))
	f.catchesUp = max(f.catchesUp, took)
	if err != nil {
		return fmt.Errorf("after the thaw: %w", err)
	}
	f.Logf("caught up with %d pins after %s", len(pins), took.Round(time.Millisecond))
	return f.check(ctx)
}

// writeAndWatch writes to peers and watches their answers for a while.
func (f *freezing) writeAndWatch(ctx context.Context, awake rig.Cluster, span time.Duration) error {
	during, end := context.WithTimeout(ctx, span)
	defer end()
	err := rig.Concurrently(ctx,
		func(context.Context) error {
			defer end()
			return f.writers.Run(during, awake.Clients()...)
		},
		func(context.Context) error {
			defer end()
			asked, slowest, err := awake.WatchAnswers(during, f.watched.RequestID)
			f.asked, f.slowestAnswer = f.asked+asked, max(f.slowestAnswer, slowest)
			return err
		})
	pause := time.Duration(f.writers.Longest.Load())
	f.writersPause = max(f.writersPause, pause)
	if err == nil && pause > f.Bound(pauseBound) {
		err = fmt.Errorf("a writer had no success for %s", pause)
	}
	return err
}

// check sees that nothing that was acknowledged is lost and no pin failed.
func (f *freezing) check(ctx context.Context) error {
	for _, p := range f.cluster {
		found, statuses, err := p.Pins.All(ctx)
		if err != nil {
			return err
		}
		if n := statuses["failed"]; n > 0 {
			return fmt.Errorf("%s: %d pins are failed", p.Name, n)
		}
		delete(found, f.watched.Pin.CID)
		for i := range f.queued {
			delete(found, rig.MissingCID(fmt.Sprintf("queued %d", i)))
		}
		if d := f.writers.Ledger.Check(found); !d.None() {
			return fmt.Errorf("%s: %s", p.Name, d)
		}
		if err := p.Alive(); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/history"
)

// writers add, rename and remove pins without pause. The n-th of them writes to
// the n-th peer of what it is given, and only to pins of its own.
type writers struct {
	ledger *history.History
	series string // of the pins: what two of them add is never the same
	cids   func(text string) string
	all    []*writer

	answered   atomic.Int64 // with success
	unanswered atomic.Int64 // or with a 5xx
	longest    atomic.Int64 // nanoseconds from one success to the next, of one writer
}

// mostPins is how many pins a writer keeps.
const mostPins = 500

type writer struct {
	*writers
	id   int
	rng  *rand.Rand
	next int
	pins []string // that are there, as far as it knows
}

func newWriters(e *env, n int, series string) *writers {
	w := &writers{ledger: history.New(), series: series, cids: inlineCID}
	for i := range n {
		w.all = append(w.all, &writer{writers: w, id: i, rng: rand.New(rand.NewPCG(e.rand.Uint64(), uint64(i)))})
	}
	return w
}

// inlineCID returns a CID that has its content in itself, so that every node can
// pin it at once.
func inlineCID(text string) string { return testCID(text, multihash.IDENTITY) }

// missingCID returns a CID of content that nobody has.
func missingCID(text string) string { return testCID(text, multihash.SHA2_256) }

func testCID(text string, hash uint64) string {
	sum, err := multihash.Sum([]byte(text), hash, -1)
	if err != nil {
		panic(err) // both are there
	}
	return cid.NewCidV1(cid.Raw, sum).String()
}

// run writes until the context ends, or a peer says what it must not: an answer
// that is neither a success nor a 5xx. It can be called again.
func (w *writers) run(ctx context.Context, peers ...*client) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for i, one := range w.all {
		group.Go(func() {
			last := time.Now()
			for ctx.Err() == nil {
				ok, err := one.write(ctx, peers[i%len(peers)])
				if err != nil {
					cancel(err)
					return
				}
				if ok {
					w.pause(time.Since(last))
					last = time.Now()
				} else {
					sleep(ctx, 20*time.Millisecond)
				}
			}
			w.pause(time.Since(last))
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != ctx.Err() {
		return err
	}
	return nil
}

// pause notes how long a writer had no success.
func (w *writers) pause(d time.Duration) {
	for {
		longest := w.longest.Load()
		if int64(d) <= longest || w.longest.CompareAndSwap(longest, int64(d)) {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// write sends one random change, and tells whether it was acknowledged. It is
// not interrupted: what is given up may still happen, when nobody looks any more.
func (w *writer) write(ctx context.Context, c *client) (bool, error) {
	ctx = context.WithoutCancel(ctx)
	dice := w.rng.IntN(10)
	switch {
	case len(w.pins) == 0 || dice < 6 && len(w.pins) < mostPins:
		w.next++
		id := w.cids(fmt.Sprintf("%s %d %d", w.series, w.id, w.next))
		w.pins = append(w.pins, id)
		return w.put(ctx, c, id)
	case dice < 4:
		return w.put(ctx, c, w.pins[w.rng.IntN(len(w.pins))])
	}
	i := w.rng.IntN(len(w.pins))
	id := w.pins[i]
	w.pins[i] = w.pins[len(w.pins)-1]
	w.pins = w.pins[:len(w.pins)-1]
	return w.remove(ctx, c, id)
}

// put adds a pin, or gives one another name and meta.
func (w *writer) put(ctx context.Context, c *client, id string) (bool, error) {
	p := history.Pin{Name: fmt.Sprintf("name %d", w.rng.Uint32()), Meta: fmt.Sprint(w.rng.Uint32())}
	change := w.ledger.Write(id, p)
	s, err := c.post(ctx, bodyOf(id, p))
	if err != nil {
		return false, w.unclear(err)
	}
	w.answered.Add(1)
	if err := change.Acknowledged(s.Created); err != nil {
		return false, fmt.Errorf("%s: %w", id, err)
	}
	return true, nil
}

// remove removes a pin. One that is not there may have been removed by a
// request that was not answered, or never have been added.
func (w *writer) remove(ctx context.Context, c *client, id string) (bool, error) {
	change := w.ledger.Write(id, history.Pin{})
	err := c.remove(ctx, id)
	if statusOf(err) == http.StatusNotFound {
		if err := change.NotFound(); err != nil {
			return false, fmt.Errorf("%s: %w", id, err)
		}
		return true, nil
	}
	if err != nil {
		return false, w.unclear(err)
	}
	w.answered.Add(1)
	return true, change.Acknowledged("")
}

// unclear returns nil for an error that says nothing about whether the change
// was made: no answer, or a 5xx.
func (w *writer) unclear(err error) error {
	if status := statusOf(err); status != 0 && status < http.StatusInternalServerError {
		return err
	}
	w.unanswered.Add(1)
	return nil
}

// check compares what a peer lists with what was acknowledged.
func (w *writers) check(ctx context.Context, c *client) error {
	found, _, err := c.all(ctx)
	if err != nil {
		return err
	}
	if d := w.ledger.Check(found); !d.None() {
		return fmt.Errorf("%s", d)
	}
	return nil
}

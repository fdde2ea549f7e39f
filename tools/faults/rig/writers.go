package rig

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

// Writers add, rename and remove pins without pause. The n-th of them writes to
// the n-th peer of what it is given, and only to pins of its own.
type Writers struct {
	Ledger *history.History
	Series string // of the pins: what two of them add is never the same
	cids   func(text string) string
	all    []*writer

	Answered   atomic.Int64 // with success
	Unanswered atomic.Int64 // or with a 5xx
	Longest    atomic.Int64 // nanoseconds from one success to the next, of one writer
}

// mostPins is how many pins a writer keeps.
const mostPins = 500

type writer struct {
	*Writers
	id   int
	rng  *rand.Rand
	next int
	pins []string // that are there, as far as it knows
}

// NewWriters returns n writers, whose pins have the series in their names.
func NewWriters(e *Env, n int, series string) *Writers {
	w := &Writers{Ledger: history.New(), Series: series, cids: InlineCID}
	for i := range n {
		w.all = append(w.all, &writer{Writers: w, id: i, rng: rand.New(rand.NewPCG(e.Rand.Uint64(), uint64(i)))})
	}
	return w
}

// InlineCID returns a CID that has its content in itself, so that every node can
// pin it at once.
func InlineCID(text string) string { return testCID(text, multihash.IDENTITY) }

// MissingCID returns a CID of content that nobody has.
func MissingCID(text string) string { return testCID(text, multihash.SHA2_256) }

func testCID(text string, hash uint64) string {
	sum, err := multihash.Sum([]byte(text), hash, -1)
	if err != nil {
		panic(err) // both are there
	}
	return cid.NewCidV1(cid.Raw, sum).String()
}

// Run writes until the context ends, or a peer says what it must not: an answer
// that is neither a success nor a 5xx. It can be called again.
func (w *Writers) Run(ctx context.Context, peers ...*Client) error {
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
					Sleep(ctx, 20*time.Millisecond)
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
func (w *Writers) pause(d time.Duration) {
	for {
		longest := w.Longest.Load()
		if int64(d) <= longest || w.Longest.CompareAndSwap(longest, int64(d)) {
			return
		}
	}
}

// Sleep waits for d, or until ctx ends.
func Sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// write sends one random change, and tells whether it was acknowledged. It is
// not interrupted: what is given up may still happen, when nobody looks any more.
func (w *writer) write(ctx context.Context, c *Client) (bool, error) {
	ctx = context.WithoutCancel(ctx)
	dice := w.rng.IntN(10)
	switch {
	case len(w.pins) == 0 || dice < 6 && len(w.pins) < mostPins:
		w.next++
		id := w.cids(fmt.Sprintf("%s %d %d", w.Series, w.id, w.next))
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
func (w *writer) put(ctx context.Context, c *Client, id string) (bool, error) {
	p := history.Pin{Name: fmt.Sprintf("name %d", w.rng.Uint32()), Meta: fmt.Sprint(w.rng.Uint32())}
	change := w.Ledger.Write(id, p)
	s, err := c.Post(ctx, BodyOf(id, p))
	if err != nil {
		return false, w.unclear(err)
	}
	w.Answered.Add(1)
	if err := change.Acknowledged(s.Created); err != nil {
		return false, fmt.Errorf("%s: %w", id, err)
	}
	return true, nil
}

// remove removes a pin. One that is not there may have been removed by a
// request that was not answered, or never have been added.
func (w *writer) remove(ctx context.Context, c *Client, id string) (bool, error) {
	change := w.Ledger.Write(id, history.Pin{})
	err := c.Remove(ctx, id)
	if StatusOf(err) == http.StatusNotFound {
		if err := change.NotFound(); err != nil {
			return false, fmt.Errorf("%s: %w", id, err)
		}
		return true, nil
	}
	if err != nil {
		return false, w.unclear(err)
	}
	w.Answered.Add(1)
	return true, change.Acknowledged("")
}

// unclear returns nil for an error that says nothing about whether the change
// was made: no answer, or a 5xx.
func (w *writer) unclear(err error) error {
	if status := StatusOf(err); status != 0 && status < http.StatusInternalServerError {
		return err
	}
	w.Unanswered.Add(1)
	return nil
}

// Check compares what a peer lists with what was acknowledged.
func (w *Writers) Check(ctx context.Context, c *Client) error {
	found, _, err := c.All(ctx)
	if err != nil {
		return err
	}
	if d := w.Ledger.Check(found); !d.None() {
		return fmt.Errorf("%s", d)
	}
	return nil
}

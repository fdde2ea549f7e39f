package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

const (
	// headArrival is how long a pin may take to the other peers while one peer
	// announces changes that nobody has.
	headArrival = 5 * time.Second
	// headWarned is how long it may take until the peers say so.
	headWarned = 40 * time.Second
	// announceEvery is how often that peer does.
	announceEvery = 100 * time.Millisecond
)

// undeliverable has a fourth peer of a cluster announce heads that nobody has,
// again and again: first while it knows nothing of questions, then while it
// accepts them and does not answer, then while it is gone. Pins go on to arrive
// everywhere, all peers are ready, and say what is missing.
func undeliverable(ctx context.Context, e *env) (counts, error) {
	h := headless{env: e, slowest: make(map[string]time.Duration)}
	var err error
	if h.cluster, err = e.newCluster(ctx, 3, process.Options{}); err != nil {
		return h.counts(), err
	}
	if err = h.write(ctx, "alone"); err != nil {
		return h.counts(), err
	}
	for _, s := range []struct {
		phase  string
		silent bool
	}{{"no answer protocol", false}, {"silent", true}} {
		if err = h.announced(ctx, s.phase, s.silent); err != nil {
			return h.counts(), err
		}
	}
	return h.counts(), nil
}

type headless struct {
	*env
	cluster cluster

	pins    int
	heads   atomic.Int64
	phases  []string
	slowest map[string]time.Duration
	warned  time.Duration
}

func (h *headless) counts() counts {
	all := counts{{"heads that nobody has", int(h.heads.Load())}, {"pins", h.pins}}
	for _, p := range h.phases {
		all = append(all, count{fmt.Sprintf("slowest arrival ms (%s)", p), int(h.slowest[p].Milliseconds())})
	}
	return append(all, count{"bound", int(h.bound(headArrival).Milliseconds())}, count{"told after ms", int(h.warned.Milliseconds())})
}

// announced writes while a peer announces heads that nobody has, and after it
// has gone.
func (h *headless) announced(ctx context.Context, phase string, silent bool) error {
	i, err := newImpostor(ctx, h.cluster, silent)
	if err != nil {
		return err
	}
	defer i.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if i.announce(ctx, fmt.Sprintf("%s %d", phase, h.heads.Load())) == nil {
				h.heads.Add(1)
			}
			sleep(ctx, announceEvery)
		}
	}()
	if err := h.write(ctx, phase); err != nil {
		return err
	}
	if err := h.told(ctx, i.id); err != nil {
		return err
	}
	i.close()
	return h.write(ctx, phase+", gone")
}

// write posts pins at each peer in turn, and waits until the others have each.
func (h *headless) write(ctx context.Context, phase string) error {
	h.phases = append(h.phases, phase)
	for range h.pick(100, 15) {
		h.pins++
		id := inlineCID(fmt.Sprintf("heads %d", h.pins))
		from := h.cluster[h.pins%len(h.cluster)]
		if _, err := from.pins.post(ctx, pinBody{CID: id, Name: phase}); err != nil {
			return err
		}
		start := time.Now()
		for _, p := range h.cluster {
			err := eventually(ctx, h.bound(headArrival), func(ctx context.Context) error {
				_, err := p.pins.get(ctx, id)
				return err
			})
			h.slowest[phase] = max(h.slowest[phase], time.Since(start))
			if err != nil {
				return fmt.Errorf("%s: %s does not get pin %d of %s: %w", phase, p.name, h.pins, from.name, err)
			}
		}
	}
	for _, p := range h.cluster {
		if err := p.alive(); err != nil {
			return err
		}
	}
	h.logf("%s: the slowest pin took %s to all peers", phase, h.slowest[phase].Round(time.Millisecond))
	return nil
}

// told waits until every peer is ready and names a peer whose changes cannot be
// had.
func (h *headless) told(ctx context.Context, id string) error {
	start := time.Now()
	for _, p := range h.cluster {
		err := eventually(ctx, h.bound(headWarned), func(ctx context.Context) error {
			var ready struct {
				Ready             bool
				Reasons, Warnings []string
			}
			if err := p.pins.do(ctx, http.MethodGet, "/ready", nil, &ready); err != nil {
				return err
			}
			if !slices.ContainsFunc(ready.Warnings, func(w string) bool { return strings.Contains(w, id) }) {
				return fmt.Errorf("%s does not tell that changes of %s are missing: %v", p.name, id, ready)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	h.warned = max(h.warned, time.Since(start))
	return nil
}

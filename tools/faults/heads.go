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
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
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
func undeliverable(ctx context.Context, e *rig.Env) (counts, error) {
	h := headless{Env: e, slowest: make(map[string]time.Duration)}
	var err error
	if h.cluster, err = e.NewCluster(ctx, 3, process.Options{}); err != nil {
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
	*rig.Env
	cluster rig.Cluster

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
	return append(all, count{"bound", int(h.Bound(headArrival).Milliseconds())}, count{"told after ms", int(h.warned.Milliseconds())})
}

// announced writes while a peer announces heads that nobody has, and after it
// has gone.
func (h *headless) announced(ctx context.Context, phase string, silent bool) error {
	i, err := rig.NewImpostor(ctx, h.cluster, silent)
	if err != nil {
		return err
	}
	defer i.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if i.Announce(ctx, fmt.Sprintf("%s %d", phase, h.heads.Load())) == nil {
				h.heads.Add(1)
			}
			rig.Sleep(ctx, announceEvery)
		}
	}()
	if err := h.write(ctx, phase); err != nil {
		return err
	}
	if err := h.told(ctx, i.ID); err != nil {
		return err
	}
	i.Close()
	return h.write(ctx, phase+", gone")
}

// write posts pins at each peer in turn, and waits until the others have each.
func (h *headless) write(ctx context.Context, phase string) error {
	h.phases = append(h.phases, phase)
	for range h.Pick(100, 15) {
		h.pins++
		id := rig.InlineCID(fmt.Sprintf("heads %d", h.pins))
		from := h.cluster[h.pins%len(h.cluster)]
		if _, err := from.Pins.Post(ctx, rig.PinBody{CID: id, Name: phase}); err != nil {
			return err
		}
		start := time.Now()
		for _, p := range h.cluster {
			err := rig.Eventually(ctx, h.Bound(headArrival), func(ctx context.Context) error {
				_, err := p.Pins.Get(ctx, id)
				return err
			})
			h.slowest[phase] = max(h.slowest[phase], time.Since(start))
			if err != nil {
				return fmt.Errorf("%s: %s does not get pin %d of %s: %w", phase, p.Name, h.pins, from.Name, err)
			}
		}
	}
	for _, p := range h.cluster {
		if err := p.Alive(); err != nil {
			return err
		}
	}
	h.Logf("%s: the slowest pin took %s to all peers", phase, h.slowest[phase].Round(time.Millisecond))
	return nil
}

// told waits until every peer is ready and names a peer whose changes cannot be
// had.
func (h *headless) told(ctx context.Context, id string) error {
	start := time.Now()
	for _, p := range h.cluster {
		err := rig.Eventually(ctx, h.Bound(headWarned), func(ctx context.Context) error {
			var ready struct {
				Ready             bool
				Reasons, Warnings []string
			}
			if err := p.Pins.Do(ctx, http.MethodGet, "/ready", nil, &ready); err != nil {
				return err
			}
			if !slices.ContainsFunc(ready.Warnings, func(w string) bool { return strings.Contains(w, id) }) {
				return fmt.Errorf("%s does not tell that changes of %s are missing: %v", p.Name, id, ready)
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

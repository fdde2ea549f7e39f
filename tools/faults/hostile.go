package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

const (
	// hostileWorkers send malformed requests at the same time.
	hostileWorkers = 24
	// slowConnections send a byte now and then, meanwhile.
	slowConnections = 100
)

// hostile sends what no client should: the inputs of the fuzz tests in every
// place of a request, and requests that are none. The same process answers the
// next good request, every time.
func hostile(ctx context.Context, e *rig.Env) (counts, error) {
	h := &hostility{Env: e, statuses: map[int]int{}}
	err := h.run(ctx)
	return h.counts(), err
}

type hostility struct {
	*rig.Env
	peer *rig.Peer
	good rig.PinStatus

	inputs     int // of the fuzz tests
	slow, asks atomic.Int64
	mu         sync.Mutex
	sent       int
	silent     int         // not answered, but hung up on
	statuses   map[int]int // of answers
}

func (h *hostility) counts() counts {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := counts{{"malformed requests", h.sent}, {"inputs of fuzz tests", h.inputs}, {"slow connections", int(h.slow.Load())}}
	for class := 1; class <= 5; class++ {
		n := 0
		for status, times := range h.statuses {
			if status/100 == class {
				n += times
			}
		}
		c = append(c, count{fmt.Sprintf("answered %dxx", class), n})
	}
	return append(c, count{"hung up on", h.silent}, count{"good requests between them", int(h.asks.Load())})
}

func (h *hostility) run(ctx context.Context) (err error) {
	if h.peer, err = h.NewPeer(ctx, "peer", process.Options{}); err != nil {
		return err
	}
	if _, err := h.peer.Start(ctx, ""); err != nil {
		return err
	}
	pid := h.peer.Running.PID()
	if h.good, err = h.peer.Pins.Post(ctx, rig.PinBody{CID: rig.InlineCID("good"), Name: "good"}); err != nil {
		return err
	}
	makers, err := h.makers()
	if err != nil {
		return err
	}
	during, end := context.WithCancel(ctx)
	defer end()
	err = rig.Concurrently(ctx,
		func(ctx context.Context) error { return h.crawl(during) },
		func(ctx context.Context) error {
			defer end()
			return h.attack(ctx, makers)
		})
	if err != nil {
		return err
	}
	if now := h.peer.Running.PID(); now != pid {
		return fmt.Errorf("it was process %d and is %d", pid, now)
	}
	return errors.Join(h.ask(ctx), h.peer.Alive())
}

// attack sends all requests, by several workers.
func (h *hostility) attack(ctx context.Context, makers []*maker) error {
	var requests []request
	for _, m := range makers {
		requests = append(requests, m.all(h.Pick(20_000, 3000)/len(makers))...)
	}
	h.Rand.Shuffle(len(requests), func(i, j int) { requests[i], requests[j] = requests[j], requests[i] })
	var next atomic.Int64
	var fns []func(context.Context) error
	for range hostileWorkers {
		fns = append(fns, func(ctx context.Context) error {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(requests) {
					return nil
				}
				if err := h.send(ctx, requests[i]); err != nil {
					return err
				}
				if i%50 == 0 {
					if err := h.ask(ctx); err != nil {
						return fmt.Errorf("after %s: %w", requests[i], err)
					}
				}
			}
			return ctx.Err()
		})
	}
	return rig.Concurrently(ctx, fns...)
}

// send sends one request. An answer must not be the fault of the peer.
func (h *hostility) send(ctx context.Context, r request) error {
	status, hungUp, err := r.send(ctx, h.Bound(rig.RequestTimeout))
	if err != nil {
		return fmt.Errorf("%s: %w", r, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent++
	switch {
	case status == 0:
		h.silent++
		return nil
	case status == http.StatusNotImplemented, status == http.StatusHTTPVersionNotSupported: // are about the request
	case status == http.StatusServiceUnavailable && hungUp: // nobody wants an answer any more
	case status >= http.StatusInternalServerError:
		return fmt.Errorf("%s: answered with %d", r, status)
	}
	h.statuses[status]++
	return nil
}

// ask does a good request at each API.
func (h *hostility) ask(ctx context.Context) error {
	h.asks.Add(2)
	start := time.Now()
	got, err := h.peer.Pins.Get(ctx, h.good.RequestID)
	if err != nil {
		return err
	}
	if got.Created != h.good.Created || got.Pin.Name != h.good.Pin.Name {
		return fmt.Errorf("a pin was %+v and is %+v", h.good, got)
	}
	raw, err := h.peer.Rest.Send(ctx, http.MethodGet, "/id", "", nil)
	if err == nil && !strings.HasPrefix(string(raw), "{") {
		err = fmt.Errorf("GET /id: %.100s", raw)
	}
	if took := time.Since(start); err == nil && took > h.Bound(rig.AnswerBound) {
		err = fmt.Errorf("a good request took %s", took)
	}
	return err
}

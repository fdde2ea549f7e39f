package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/history"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

const (
	// startBound is how long a peer may take to start.
	startBound = 10 * time.Second
	// answerBound is how long an answer may take while something is wrong.
	answerBound = 2 * time.Second
	// memberBound is how long peers may take to know each other.
	memberBound = time.Minute
)

// peer is one peer of a scenario.
type peer struct {
	env     *env
	name    string
	folder  *process.Folder
	running *process.Peer
	pins    *client // the Pinning Service API
	rest    *client // the cluster REST API
}

// newPeer makes a peer's folder, with an IPFS node inside unless the options
// have another.
func (e *env) newPeer(ctx context.Context, name string, o process.Options) (*peer, error) {
	if o.IPFS == "" {
		for _, off := range []string{"join_dht", "nat_port_map"} { // there is no network but this
			o.Set = append(o.Set, process.Setting{Value: false, Path: []string{"ipfs_connector", "embedded", off}})
		}
		o.Set = append(o.Set, process.Setting{Value: "1s", Path: []string{"ipfs_connector", "embedded", "connect_swarms_delay"}})
	}
	o.Set = append(o.Set, process.Setting{Value: name, Path: []string{"cluster", "peername"}})
	folder, err := e.pinsvc.Init(ctx, filepath.Join(e.dir, name), o)
	if err != nil {
		return nil, err
	}
	p := &peer{env: e, name: name, folder: folder}
	pins, err := folder.Endpoint("pinsvcapi")
	if err != nil {
		return nil, err
	}
	rest, err := folder.Endpoint("restapi")
	p.pins, p.rest = newClient(pins), newClient(rest)
	e.cleanupWith(p.stop)
	return p, err
}

// start starts the peer and returns how long it took until it was ready.
func (p *peer) start(ctx context.Context, bootstrap string) (time.Duration, error) {
	begin := time.Now()
	running, err := p.folder.Start(ctx, bootstrap)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", p.name, err)
	}
	p.running = running
	return time.Since(begin), nil
}

// stop ends the peer, if it runs.
func (p *peer) stop() {
	if p.running != nil {
		p.running.Stop()
		p.running = nil
	}
}

// kill ends the peer at once.
func (p *peer) kill() {
	p.running.Kill()
	p.running = nil
}

// alive returns an error when the peer has ended by itself, or printed that it
// panicked.
func (p *peer) alive() error {
	select {
	case <-p.running.Ended():
		return fmt.Errorf("%s has ended", p.name)
	default:
	}
	return p.sound()
}

// sound returns an error when the peer's log tells of a panic or a data race.
func (p *peer) sound() error {
	log, err := os.ReadFile(p.folder.Log())
	if err != nil {
		return err
	}
	for _, word := range []string{"panic:", "panic serving", "fatal error:", "DATA RACE"} {
		if i := strings.Index(string(log), word); i >= 0 {
			return fmt.Errorf("%s: its log: %.500s", p.name, log[i:])
		}
	}
	return nil
}

// cluster is several peers that keep one pinset.
type cluster []*peer

// newCluster makes and starts peers that know each other.
func (e *env) newCluster(ctx context.Context, n int, o process.Options) (cluster, error) {
	var c cluster
	for i := range n {
		p, err := e.newPeer(ctx, fmt.Sprintf("peer%d", i+1), o)
		if err != nil {
			return nil, err
		}
		o.Secret = p.folder.Secret()
		c = append(c, p)
	}
	return c, c.startAll(ctx)
}

// startAll starts the peers, which join the first, and waits until all know
// each other.
func (c cluster) startAll(ctx context.Context) error {
	first, err := c[0].folder.Multiaddr()
	if err != nil {
		return err
	}
	for i, p := range c {
		bootstrap := first
		if i == 0 {
			bootstrap = ""
		}
		if _, err := p.start(ctx, bootstrap); err != nil {
			return err
		}
	}
	return c.known(ctx, len(c))
}

// known waits until every peer knows a number of members.
func (c cluster) known(ctx context.Context, n int) error {
	return eventually(ctx, c[0].env.bound(memberBound), func(ctx context.Context) error {
		for _, p := range c {
			var id struct {
				Peers []string `json:"cluster_peers"`
			}
			if err := p.rest.do(ctx, http.MethodGet, "/id", nil, &id); err != nil {
				return err
			}
			if len(id.Peers) != n {
				return fmt.Errorf("%s knows %d members, not %d", p.name, len(id.Peers), n)
			}
		}
		return nil
	})
}

// clients returns clients of the peers' Pinning Service APIs.
func (c cluster) clients() []*client {
	var out []*client
	for _, p := range c {
		out = append(out, p.pins)
	}
	return out
}

// same waits until all peers list the same pins, with the same name, meta and
// created, and returns them and how long it took.
func (c cluster) same(ctx context.Context, within time.Duration) (map[string]history.Pin, time.Duration, error) {
	start := time.Now()
	var first map[string]history.Pin
	err := eventually(ctx, within, func(ctx context.Context) error {
		for i, p := range c {
			pins, _, err := p.pins.all(ctx)
			switch {
			case err != nil:
				return err
			case i == 0:
				first = pins
			default:
				if err := equal(first, pins); err != nil {
					return fmt.Errorf("%s and %s differ: %w", c[0].name, p.name, err)
				}
			}
		}
		return nil
	})
	return first, time.Since(start), err
}

// equal returns how two pinsets differ.
func equal(a, b map[string]history.Pin) error {
	differ := 0
	var example error
	look := func(a, b map[string]history.Pin) {
		for id, p := range a {
			if b[id] != p {
				differ++
				example = fmt.Errorf("%s: %+v, %+v", id, p, b[id])
			}
		}
	}
	look(a, b)
	for id := range b {
		if _, ok := a[id]; !ok {
			differ++
			example = fmt.Errorf("%s is at the second only", id)
		}
	}
	if differ == 0 {
		return nil
	}
	return fmt.Errorf("%d pins (%d, %d): %w", differ, len(a), len(b), example)
}

// watchAnswers asks the peers for a pin and a list until the context ends. It
// returns how often, and an error when an answer failed, was late, or showed a
// failed pin.
func (c cluster) watchAnswers(ctx context.Context, id string) (asked int, slowest time.Duration, err error) {
	late := c[0].env.bound(answerBound)
	timed := func(what string, ask func() error) error {
		start := time.Now()
		err := ask()
		took := time.Since(start)
		if ctx.Err() != nil {
			return nil // it was interrupted
		}
		asked, slowest = asked+1, max(slowest, took)
		if err == nil && took > late {
			err = fmt.Errorf("it took %s", took)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	}
	for ctx.Err() == nil {
		for _, p := range c {
			err = errors.Join(err, timed(p.name+": GET", func() error {
				s, err := p.pins.get(ctx, id)
				return errors.Join(err, noFailed(s))
			}), timed(p.name+": list", func() error {
				page, err := p.pins.list(ctx, url.Values{"status": {anyStatus}, "limit": {"100"}})
				return errors.Join(err, noFailed(page.Results...))
			}))
		}
		if err != nil {
			return asked, slowest, err
		}
		sleep(ctx, 50*time.Millisecond)
	}
	return asked, slowest, nil
}

// noneFailed returns an error when a peer counts a failed pin.
func (c cluster) noneFailed(ctx context.Context) error {
	for _, p := range c {
		n, err := p.pins.count(ctx, "failed")
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%s: %d pins are failed", p.name, n)
		}
	}
	return nil
}

// noFailed returns an error when one of the pins is failed.
func noFailed(pins ...pinStatus) error {
	if i := slices.IndexFunc(pins, func(s pinStatus) bool { return s.Status == "failed" }); i >= 0 {
		return fmt.Errorf("a pin is failed: %v", pins[i])
	}
	return nil
}

// together runs functions until all have returned, or one has an error.
func together(ctx context.Context, fns ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, fn := range fns {
		group.Go(func() error { return fn(ctx) })
	}
	return group.Wait()
}

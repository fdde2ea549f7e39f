package rig

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
	StartBound = 10 * time.Second
	// answerBound is how long an answer may take while something is wrong.
	AnswerBound = 2 * time.Second
	// memberBound is how long peers may take to know each other.
	MemberBound = time.Minute
)

// Peer is one peer of a scenario.
type Peer struct {
	env     *Env
	Name    string
	Folder  *process.Folder
	Running *process.Peer
	Pins    *Client // the Pinning Service API
	Rest    *Client // the cluster REST API
}

// NewPeer makes a peer's folder, with an IPFS node inside unless the options
// have another.
func (e *Env) NewPeer(ctx context.Context, name string, o process.Options) (*Peer, error) {
	if o.IPFS == "" {
		for _, off := range []string{"join_dht", "nat_port_map"} { // there is no network but this
			o.Set = append(o.Set, process.Setting{Value: false, Path: []string{"ipfs_connector", "embedded", off}})
		}
		o.Set = append(o.Set, process.Setting{Value: "1s", Path: []string{"ipfs_connector", "embedded", "connect_swarms_delay"}})
	}
	o.Set = append(o.Set, process.Setting{Value: name, Path: []string{"cluster", "peername"}})
	folder, err := e.Pinsvc.Init(ctx, filepath.Join(e.Dir, name), o)
	if err != nil {
		return nil, err
	}
	p := &Peer{env: e, Name: name, Folder: folder}
	pins, err := folder.Endpoint("pinsvcapi")
	if err != nil {
		return nil, err
	}
	rest, err := folder.Endpoint("restapi")
	p.Pins, p.Rest = NewClient(pins), NewClient(rest)
	e.CleanupWith(p.Stop)
	return p, err
}

// Start starts the peer and returns how long it took until it was ready.
func (p *Peer) Start(ctx context.Context, bootstrap string) (time.Duration, error) {
	begin := time.Now()
	running, err := p.Folder.Start(ctx, bootstrap)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", p.Name, err)
	}
	p.Running = running
	return time.Since(begin), nil
}

// Stop ends the peer, if it runs.
func (p *Peer) Stop() {
	if p.Running != nil {
		p.Running.Stop()
		p.Running = nil
	}
}

// Kill ends the peer at once.
func (p *Peer) Kill() {
	p.Running.Kill()
	p.Running = nil
}

// Alive returns an error when the peer has ended by itself, or printed that it
// panicked.
func (p *Peer) Alive() error {
	select {
	case <-p.Running.Ended():
		return fmt.Errorf("%s has ended", p.Name)
	default:
	}
	return p.Sound()
}

// Sound returns an error when the peer's log tells of a panic or a data race.
func (p *Peer) Sound() error {
	log, err := os.ReadFile(p.Folder.Log())
	if err != nil {
		return err
	}
	for _, word := range []string{"panic:", "panic serving", "fatal error:", "DATA RACE"} {
		if i := strings.Index(string(log), word); i >= 0 {
			return fmt.Errorf("%s: its log: %.500s", p.Name, log[i:])
		}
	}
	return nil
}

// Cluster is several peers that keep one pinset.
type Cluster []*Peer

// NewCluster makes and starts peers that know each other.
func (e *Env) NewCluster(ctx context.Context, n int, o process.Options) (Cluster, error) {
	var c Cluster
	for i := range n {
		p, err := e.NewPeer(ctx, fmt.Sprintf("peer%d", i+1), o)
		if err != nil {
			return nil, err
		}
		o.Secret = p.Folder.Secret()
		c = append(c, p)
	}
	return c, c.StartAll(ctx)
}

// StartAll starts the peers, which join the first, and waits until all know
// each other.
func (c Cluster) StartAll(ctx context.Context) error {
	first, err := c[0].Folder.Multiaddr()
	if err != nil {
		return err
	}
	for i, p := range c {
		bootstrap := first
		if i == 0 {
			bootstrap = ""
		}
		if _, err := p.Start(ctx, bootstrap); err != nil {
			return err
		}
	}
	return c.known(ctx, len(c))
}

// known waits until every peer knows a number of members.
func (c Cluster) known(ctx context.Context, n int) error {
	return Eventually(ctx, c[0].env.Bound(MemberBound), func(ctx context.Context) error {
		for _, p := range c {
			var id struct {
				Peers []string `json:"cluster_peers"`
			}
			if err := p.Rest.Do(ctx, http.MethodGet, "/id", nil, &id); err != nil {
				return err
			}
			if len(id.Peers) != n {
				return fmt.Errorf("%s knows %d members, not %d", p.Name, len(id.Peers), n)
			}
		}
		return nil
	})
}

// Clients returns clients of the peers' Pinning Service APIs.
func (c Cluster) Clients() []*Client {
	var out []*Client
	for _, p := range c {
		out = append(out, p.Pins)
	}
	return out
}

// Same waits until all peers list the same pins, with the same name, meta and
// created, and returns them and how long it took.
func (c Cluster) Same(ctx context.Context, within time.Duration) (map[string]history.Pin, time.Duration, error) {
	start := time.Now()
	var first map[string]history.Pin
	err := Eventually(ctx, within, func(ctx context.Context) error {
		for i, p := range c {
			pins, _, err := p.Pins.All(ctx)
			switch {
			case err != nil:
				return err
			case i == 0:
				first = pins
			default:
				if err := Equal(first, pins); err != nil {
					return fmt.Errorf("%s and %s differ: %w", c[0].Name, p.Name, err)
				}
			}
		}
		return nil
	})
	return first, time.Since(start), err
}

// Equal returns how two pinsets differ.
func Equal(a, b map[string]history.Pin) error {
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

// WatchAnswers asks the peers for a pin and a list until the context ends. It
// returns how often, and an error when an answer failed, was late, or showed a
// failed pin.
func (c Cluster) WatchAnswers(ctx context.Context, id string) (asked int, slowest time.Duration, err error) {
	late := c[0].env.Bound(AnswerBound)
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
			err = errors.Join(err, timed(p.Name+": GET", func() error {
				s, err := p.Pins.Get(ctx, id)
				return errors.Join(err, NoFailed(s))
			}), timed(p.Name+": list", func() error {
				page, err := p.Pins.List(ctx, url.Values{"status": {AnyStatus}, "limit": {"100"}})
				return errors.Join(err, NoFailed(page.Results...))
			}))
		}
		if err != nil {
			return asked, slowest, err
		}
		Sleep(ctx, 50*time.Millisecond)
	}
	return asked, slowest, nil
}

// NoneFailed returns an error when a peer counts a failed pin.
func (c Cluster) NoneFailed(ctx context.Context) error {
	for _, p := range c {
		n, err := p.Pins.Count(ctx, "failed")
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%s: %d pins are failed", p.Name, n)
		}
	}
	return nil
}

// NoFailed returns an error when one of the pins is failed.
func NoFailed(pins ...PinStatus) error {
	if i := slices.IndexFunc(pins, func(s PinStatus) bool { return s.Status == "failed" }); i >= 0 {
		return fmt.Errorf("a pin is failed: %v", pins[i])
	}
	return nil
}

// Concurrently runs functions until all have returned, or one has an error.
func Concurrently(ctx context.Context, fns ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, fn := range fns {
		group.Go(func() error { return fn(ctx) })
	}
	return group.Wait()
}

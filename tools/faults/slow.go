package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

const (
	// slowProviders send a block a second each.
	slowProviders = 10
	// readyBound is how long a pin with a ready provider may take, whatever waits.
	readyBound = 10 * time.Second
	// slowBound is how long slow pins may take after the last ready one.
	slowBound = 10 * time.Minute
	// nobody is an origin at which nobody listens.
	nobody = "/ip4/127.0.0.1/tcp/9/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
)

// slow gives a peer pins that nobody delivers and pins that come a block a second,
// and then pins that a ready provider has. Those are pinned within seconds; the
// slow ones are in the end; none of them fails on the way, also through a restart.
func slow(ctx context.Context, e *rig.Env) (counts, error) {
	s := &slowness{Env: e}
	kinds := []slowKind{{"one", 1, false}}
	if !e.Short {
		kinds = append(kinds, slowKind{"ten", 10, false}, slowKind{"beside-kubo", 1, true})
	}
	for _, k := range kinds {
		if err := s.run(ctx, k); err != nil {
			return s.counts(), fmt.Errorf("%s, concurrent_pins %d: %w", k.name, k.places, err)
		}
	}
	return s.counts(), nil
}

// slowKind is a peer of this scenario.
type slowKind struct {
	name   string
	places int // concurrent_pins
	kubo   bool
}

type slowness struct {
	*rig.Env
	dead, trickling, ready     int // pins
	slowestReady, trickledLast time.Duration
}

func (s *slowness) counts() counts {
	return counts{{"dead pins", s.dead}, {"slow pins", s.trickling}, {"ready pins", s.ready},
		{"slowest ready pin ms", int(s.slowestReady.Milliseconds())},
		{"slow pins all pinned after ms", int(s.trickledLast.Milliseconds())}}
}

func (s *slowness) run(ctx context.Context, k slowKind) error {
	o := process.Options{Set: []process.Setting{{Value: k.places, Path: []string{"pin_tracker", "stateless", "concurrent_pins"}}}}
	if k.kubo {
		node, err := s.NewKubo(ctx)
		if err != nil {
			return err
		}
		node.Online = true
		if err := node.Start(ctx); err != nil {
			return err
		}
		o.IPFS, o.InitFlags = node.Multiaddr(), []string{"--ipfs", "kubo"}
	}
	p, err := s.NewPeer(ctx, k.name, o)
	if err != nil {
		return err
	}
	if _, err := p.Start(ctx, ""); err != nil {
		return err
	}
	defer p.Stop()
	begin := time.Now()
	slowIDs, err := s.load(ctx, p, k.name)
	if err != nil {
		return err
	}
	fast, err := s.NewProvider(ctx, 0)
	if err != nil {
		return err
	}
	for i := range s.Pick(20, 5) {
		if err := s.readyPin(ctx, p, fast, slowIDs); err != nil {
			return err
		}
		if i == 2 {
			if err := s.restart(ctx, p); err != nil {
				return err
			}
		}
	}
	for _, id := range slowIDs {
		if err := s.pinned(ctx, p, id, slowBound); err != nil {
			return fmt.Errorf("a slow pin: %w", err)
		}
	}
	s.trickledLast = max(s.trickledLast, time.Since(begin))
	return p.Alive()
}

// load adds the pins that are dead, and those that are slow, and returns the
// latter.
func (s *slowness) load(ctx context.Context, p *rig.Peer, name string) (ids []string, err error) {
	for range slowProviders {
		provider, err := s.NewProvider(ctx, time.Second)
		if err != nil {
			return nil, err
		}
		root, err := provider.Add(ctx, s.Env, s.Pick(60, 10))
		if err != nil {
			return nil, err
		}
		st, err := p.Pins.Post(ctx, rig.PinBody{CID: root, Name: "slow", Origins: provider.Origins()})
		if err != nil {
			return nil, err
		}
		s.trickling++
		ids = append(ids, st.RequestID)
	}
	for i := range s.Pick(1000, 200) {
		if _, err := p.Pins.Post(ctx, rig.PinBody{CID: rig.MissingCID(fmt.Sprint(name, i)), Name: "dead", Origins: []string{nobody}}); err != nil {
			return nil, err
		}
		s.dead++
	}
	return ids, nil
}

// readyPin adds a pin that a provider has, and waits for it.
func (s *slowness) readyPin(ctx context.Context, p *rig.Peer, from *rig.Provider, slow []string) error {
	root, err := from.Add(ctx, s.Env, 10)
	if err != nil {
		return err
	}
	start := time.Now()
	st, err := p.Pins.Post(ctx, rig.PinBody{CID: root, Name: "ready", Origins: from.Origins()})
	if err != nil {
		return err
	}
	s.ready++
	if err := s.pinned(ctx, p, st.RequestID, readyBound); err != nil {
		return fmt.Errorf("a ready pin: %w", err)
	}
	took := time.Since(start)
	s.slowestReady = max(s.slowestReady, took)
	s.Logf("a ready pin was pinned after %s", took.Round(time.Millisecond))
	for _, id := range slow {
		if st, err = p.Pins.Get(ctx, id); err == nil {
			err = rig.NoFailed(st)
		}
		if err != nil {
			return fmt.Errorf("a slow pin: %w", err)
		}
	}
	return nil
}

func (s *slowness) restart(ctx context.Context, p *rig.Peer) error {
	p.Stop()
	_, err := p.Start(ctx, "")
	return err
}

// pinned waits until a pin is pinned, and sees that it does not fail before.
func (s *slowness) pinned(ctx context.Context, p *rig.Peer, id string, within time.Duration) error {
	var failed error
	err := rig.Eventually(ctx, s.Bound(within), func(ctx context.Context) error {
		st, err := p.Pins.Get(ctx, id)
		switch {
		case err != nil:
			return err
		case st.Status == "failed":
			failed = rig.NoFailed(st)
		case st.Status != "pinned":
			return fmt.Errorf("it is %s, %v", st.Status, st.Info)
		}
		return nil
	})
	if failed != nil {
		return failed
	}
	return err
}

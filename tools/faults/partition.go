package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/history"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// healBound is how long peers may take to have the same pinset after they can
// reach each other again.
const healBound = 2 * time.Minute

// partition cuts one of three peers off the others, each in a network namespace
// of its own, and writes to both sides. When they reach each other again all
// list the same pins: nothing is lost on either side, and `created` is the same.
func partition(ctx context.Context, e *env) (counts, error) {
	var partitions, pins, acknowledged, both int
	var healed time.Duration
	sum := func() counts {
		return counts{{"partitions", partitions}, {"acknowledged writes", acknowledged}, {"pins in the end", pins},
			{"pins written to on both sides", both},
			{"slowest heal ms", int(healed.Milliseconds())}}
	}
	net, err := e.newNetwork(ctx, 3)
	if err != nil {
		return sum(), err
	}
	c, err := e.newSpreadCluster(ctx, net)
	if err != nil {
		return sum(), err
	}
	sides := []*writers{newWriters(e, 2, "two"), newWriters(e, 1, "one")}
	var disputed []*disputes
	for i, span := range e.cuts() {
		d, err := newDisputes(ctx, c[0].pins, i)
		if err != nil {
			return sum(), err
		}
		disputed = append(disputed, d)
		if _, _, err := c.same(ctx, e.bound(healBound)); err != nil {
			return sum(), fmt.Errorf("before the cut: %w", err)
		}
		if err := net.cut(ctx, 2); err != nil {
			return sum(), err
		}
		partitions++
		during, end := context.WithTimeout(ctx, span)
		err = together(ctx,
			func(ctx context.Context) error { return d.write(ctx, c[1].pins, c[2].pins) },
			func(context.Context) error { return sides[0].run(during, c[:2].clients()...) },
			func(context.Context) error { return sides[1].run(during, c[2].pins) })
		end()
		if err != nil {
			return sum(), err
		}
		both += len(d.all())
		if err := apart(ctx, c); err != nil {
			return sum(), err
		}
		if err := net.mend(ctx, 2); err != nil {
			return sum(), err
		}
		found, took, err := c.same(ctx, e.bound(healBound))
		healed = max(healed, took)
		acknowledged = int(sides[0].answered.Load() + sides[1].answered.Load())
		if err != nil {
			return sum(), err
		}
		pins = len(found)
		for _, d := range disputed {
			if err := d.settle(found); err != nil {
				return sum(), fmt.Errorf("after a cut of %s: %w", span, err)
			}
		}
		if err := splitCheck(sides, found); err != nil {
			return sum(), err
		}
		e.logf("cut for %s: the same %d pins everywhere after %s", span, pins, took.Round(time.Millisecond))
	}
	for _, p := range c {
		if err := p.alive(); err != nil {
			return sum(), err
		}
	}
	return sum(), nil
}

// cuts returns how long each cut lasts. Connections outlive a short one; a minute
// and a half ends them all, so that the peers have to find each other again.
func (e *env) cuts() []time.Duration {
	if e.short {
		return []time.Duration{4 * time.Second}
	}
	const usual = 20 * time.Second
	return []time.Duration{usual, usual, usual, usual, 90 * time.Second}
}

// splitCheck compares the pins that all peers have with what each side has
// acknowledged.
func splitCheck(sides []*writers, found map[string]history.Pin) error {
	for id := range found {
		if !slices.ContainsFunc(sides, func(w *writers) bool { return w.ledger.Knows(id) }) {
			return fmt.Errorf("%s was never sent", id)
		}
	}
	for _, w := range sides {
		own := map[string]history.Pin{}
		for id, p := range found {
			if w.ledger.Knows(id) {
				own[id] = p
			}
		}
		if d := w.ledger.Check(own); !d.None() {
			return fmt.Errorf("%s: %s", w.series, d)
		}
	}
	return nil
}

// apart returns an error when both sides have the same pins: then nothing was
// cut.
func apart(ctx context.Context, c cluster) error {
	a, _, err := c[0].pins.all(ctx)
	if err != nil {
		return err
	}
	b, _, err := c[2].pins.all(ctx)
	if err != nil {
		return err
	}
	if equal(a, b) == nil {
		return errors.New("both sides have the same pins while they are cut off from each other")
	}
	return nil
}

// newSpreadCluster makes and starts a peer in each namespace.
func (e *env) newSpreadCluster(ctx context.Context, net *network) (cluster, error) {
	var c cluster
	o := process.Options{}
	for i, host := range net.hosts {
		o.Host = host.address
		p, err := e.newPeer(ctx, fmt.Sprintf("peer%d", i+1), o)
		if err != nil {
			return nil, err
		}
		p.folder = p.folder.Behind("ip", "netns", "exec", host.namespace)
		o.Secret = p.folder.Secret()
		c = append(c, p)
	}
	return c, c.startAll(ctx)
}

// network is a bridge with namespaces on it, each with one address. The bridge
// has an address, too, from which all are reached whatever is cut.
type network struct {
	env    *env
	prefix string
	hosts  []host
}

type host struct {
	namespace, address string
	outside            string // the end of its cable that is on the bridge
}

// newNetwork makes a network, which is removed when the scenario has ended.
func (e *env) newNetwork(ctx context.Context, n int) (*network, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("network namespaces need root; leave it out with -only")
	}
	net := &network{env: e, prefix: fmt.Sprintf("pf%d", os.Getpid()%100_000)}
	// 198.18.0.0/15 is for tests of networks (RFC 2544).
	subnet := fmt.Sprintf("198.18.%d", os.Getpid()%250)
	bridge := net.prefix + "b"
	if err := net.ip(ctx, "link", "add", bridge, "type", "bridge"); err != nil {
		return nil, err
	}
	e.cleanupWith(func() { net.ip(context.Background(), "link", "delete", bridge) })
	for _, args := range [][]string{{"address", "add", subnet + ".254/24", "dev", bridge}, {"link", "set", bridge, "up"}} {
		if err := net.ip(ctx, args...); err != nil {
			return nil, err
		}
	}
	for i := range n {
		h := host{fmt.Sprintf("%sn%d", net.prefix, i), fmt.Sprintf("%s.%d", subnet, i+1), fmt.Sprintf("%sv%d", net.prefix, i)}
		inside := fmt.Sprintf("%si%d", net.prefix, i)
		if err := net.ip(ctx, "netns", "add", h.namespace); err != nil {
			return nil, err
		}
		e.cleanupWith(func() { net.ip(context.Background(), "netns", "delete", h.namespace) })
		for _, args := range [][]string{
			{"link", "add", h.outside, "type", "veth", "peer", "name", inside},
			{"link", "set", h.outside, "master", bridge, "up"},
			{"link", "set", inside, "netns", h.namespace},
			{"-n", h.namespace, "address", "add", h.address + "/24", "dev", inside},
			{"-n", h.namespace, "link", "set", inside, "up"},
			{"-n", h.namespace, "link", "set", "lo", "up"},
		} {
			if err := net.ip(ctx, args...); err != nil {
				return nil, err
			}
		}
		net.hosts = append(net.hosts, h)
	}
	return net, nil
}

func (n *network) ip(ctx context.Context, args ...string) error {
	return command(ctx, "ip", args...)
}

// cut lets a host and all others not reach each other, by routes that lead
// nowhere. We still reach all of them, from the bridge.
func (n *network) cut(ctx context.Context, i int) error { return n.routes(ctx, "add", i) }

// mend undoes cut.
func (n *network) mend(ctx context.Context, i int) error { return n.routes(ctx, "delete", i) }

// routes adds or deletes a dead route between one host and each of the others,
// in both directions.
func (n *network) routes(ctx context.Context, what string, i int) error {
	for j, other := range n.hosts {
		if j == i {
			continue
		}
		for _, pair := range [][2]host{{n.hosts[i], other}, {other, n.hosts[i]}} {
			if err := n.ip(ctx, "-n", pair[0].namespace, "route", what, "blackhole", pair[1].address+"/32"); err != nil {
				return err
			}
		}
	}
	return nil
}

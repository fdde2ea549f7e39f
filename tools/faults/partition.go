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
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

// healBound is how long peers may take to have the same pinset after they can
// reach each other again.
const healBound = 2 * time.Minute

// partition cuts one of three peers off the others, each in a network namespace
// of its own, and writes to both sides. When they reach each other again all
// list the same pins: nothing is lost on either side, and `created` is the same.
func partition(ctx context.Context, e *rig.Env) (counts, error) {
	var partitions, pins, acknowledged, both int
	var healed time.Duration
	sum := func() counts {
		return counts{{"partitions", partitions}, {"acknowledged writes", acknowledged}, {"pins in the end", pins},
			{"pins written to on both sides", both},
			{"slowest heal ms", int(healed.Milliseconds())}}
	}
	net, err := newNetwork(ctx, e, 3)
	if err != nil {
		return sum(), err
	}
	c, err := newSpreadCluster(ctx, e, net)
	if err != nil {
		return sum(), err
	}
	sides := []*rig.Writers{rig.NewWriters(e, 2, "two"), rig.NewWriters(e, 1, "one")}
	var disputed []*rig.Disputes
	for i, span := range cutsOf(e) {
		d, err := rig.NewDisputes(ctx, c[0].Pins, i)
		if err != nil {
			return sum(), err
		}
		disputed = append(disputed, d)
		if _, _, err := c.Same(ctx, e.Bound(healBound)); err != nil {
			return sum(), fmt.Errorf("before the cut: %w", err)
		}
		if err := net.cut(ctx, 2); err != nil {
			return sum(), err
		}
		partitions++
		during, end := context.WithTimeout(ctx, span)
		err = rig.Concurrently(ctx,
			func(ctx context.Context) error { return d.Write(ctx, c[1].Pins, c[2].Pins) },
			func(context.Context) error { return sides[0].Run(during, c[:2].Clients()...) },
			func(context.Context) error { return sides[1].Run(during, c[2].Pins) })
		end()
		if err != nil {
			return sum(), err
		}
		both += len(d.All())
		if err := apart(ctx, c); err != nil {
			return sum(), err
		}
		if err := net.mend(ctx, 2); err != nil {
			return sum(), err
		}
		found, took, err := c.Same(ctx, e.Bound(healBound))
		healed = max(healed, took)
		acknowledged = int(sides[0].Answered.Load() + sides[1].Answered.Load())
		if err != nil {
			return sum(), err
		}
		pins = len(found)
		for _, d := range disputed {
			if err := d.Settle(found); err != nil {
				return sum(), fmt.Errorf("after a cut of %s: %w", span, err)
			}
		}
		if err := splitCheck(sides, found); err != nil {
			return sum(), err
		}
		e.Logf("cut for %s: the same %d pins everywhere after %s", span, pins, took.Round(time.Millisecond))
	}
	for _, p := range c {
		if err := p.Alive(); err != nil {
			return sum(), err
		}
	}
	return sum(), nil
}

// cutsOf returns how long each cut lasts. Connections outlive a short one; a minute
// and a half ends them all, so that the peers have to find each other again.
func cutsOf(e *rig.Env) []time.Duration {
	if e.Short {
		return []time.Duration{4 * time.Second}
	}
	const usual = 20 * time.Second
	return []time.Duration{usual, usual, usual, usual, 90 * time.Second}
}

// splitCheck compares the pins that all peers have with what each side has
// acknowledged.
func splitCheck(sides []*rig.Writers, found map[string]history.Pin) error {
	for id := range found {
		if !slices.ContainsFunc(sides, func(w *rig.Writers) bool { return w.Ledger.Knows(id) }) {
			return fmt.Errorf("%s was never sent", id)
		}
	}
	for _, w := range sides {
		own := map[string]history.Pin{}
		for id, p := range found {
			if w.Ledger.Knows(id) {
				own[id] = p
			}
		}
		if d := w.Ledger.Check(own); !d.None() {
			return fmt.Errorf("%s: %s", w.Series, d)
		}
	}
	return nil
}

// apart returns an error when both sides have the same pins: then nothing was
// cut.
func apart(ctx context.Context, c rig.Cluster) error {
	a, _, err := c[0].Pins.All(ctx)
	if err != nil {
		return err
	}
	b, _, err := c[2].Pins.All(ctx)
	if err != nil {
		return err
	}
	if rig.Equal(a, b) == nil {
		return errors.New("both sides have the same pins while they are cut off from each other")
	}
	return nil
}

// newSpreadCluster makes and starts a peer in each namespace.
func newSpreadCluster(ctx context.Context, e *rig.Env, net *network) (rig.Cluster, error) {
	var c rig.Cluster
	o := process.Options{}
	for i, host := range net.hosts {
		o.Host = host.address
		p, err := e.NewPeer(ctx, fmt.Sprintf("peer%d", i+1), o)
		if err != nil {
			return nil, err
		}
		p.Folder = p.Folder.Behind("ip", "netns", "exec", host.namespace)
		o.Secret = p.Folder.Secret()
		c = append(c, p)
	}
	return c, c.StartAll(ctx)
}

// network is a bridge with namespaces on it, each with one address. The bridge
// has an address, too, from which all are reached whatever is cut.
type network struct {
	env    *rig.Env
	prefix string
	hosts  []host
}

type host struct {
	namespace, address string
	outside            string // the end of its cable that is on the bridge
}

// newNetwork makes a network, which is removed when the scenario has ended.
func newNetwork(ctx context.Context, e *rig.Env, n int) (*network, error) {
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
	e.CleanupWith(func() { net.ip(context.Background(), "link", "delete", bridge) })
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
		e.CleanupWith(func() { net.ip(context.Background(), "netns", "delete", h.namespace) })
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

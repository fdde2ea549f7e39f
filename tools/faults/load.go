package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

const (
	// loadClients ask at the same time.
	loadClients = 200
	// warmUp is how long they do before anything is measured.
	warmUp = 20 * time.Second
	// calmBound is how long after a load a peer may take until it holds no more
	// than before.
	calmBound = time.Minute
	// moreGoroutines, moreHeap and moreResident, in bytes, are how much more a
	// peer may hold than before: for what goes on by itself. Of the memory that
	// is free again, a peer keeps 128 MiB and half of what it uses.
	moreGoroutines = 50
	moreHeap       = 16 * mebibyte
	moreResident   = 192 * mebibyte
)

// load lets 200 clients use all endpoints of both APIs at once: of the program
// as it is, and, in the long form, of one with the race detector. Nobody gets a
// 5xx, and afterwards the peer holds no more than before.
func load(ctx context.Context, e *rig.Env) (counts, error) {
	l := &loading{Env: e, span: time.Duration(e.Pick(60, 5)) * time.Second}
	err := l.run(ctx, "peer", e.Pinsvc)
	if err == nil && !e.Short {
		racing := process.Program{Name: "pinsvc with the race detector", Path: filepath.Join(e.Dir, "pinsvc-race")}
		if err = command(ctx, "go", "build", "-race", "-o", racing.Path, ourPackage); err == nil {
			err = l.run(ctx, "racing", racing)
		}
	}
	return l.counts(), err
}

type loading struct {
	*rig.Env
	span time.Duration
	peer *rig.Peer

	runs, requests, refused int
	goroutines              int // more than before
	heap, resident          int // more MiB than before
	slowest                 time.Duration
}

func (l *loading) counts() counts {
	return counts{{"runs", l.runs}, {"clients", loadClients}, {"requests", l.requests}, {"5xx or not answered", l.refused},
		{"slowest answer ms", int(l.slowest.Milliseconds())}, {"more goroutines after", l.goroutines},
		{"more heap MiB after", l.heap}, {"more resident MiB after", l.resident}}
}

// run starts a peer, warms it up by a shorter load, and compares what it holds
// before and after the real one.
func (l *loading) run(ctx context.Context, name string, program process.Program) error {
	l.runs++
	metrics, err := rig.FreeAddress()
	if err != nil {
		return err
	}
	l.Env.Pinsvc = program
	l.peer, err = l.NewPeer(ctx, name, process.Options{Set: []process.Setting{
		{Value: true, Path: []string{"observations", "metrics", "enable_stats"}},
		{Value: rig.MultiaddrOf(metrics), Path: []string{"observations", "metrics", "prometheus_endpoint"}},
		// What the database keeps in memory grows up to this.
		{Value: 8 * mebibyte, Path: []string{"datastore", "pebble", "pebble_options", "cache_size_bytes"}},
		{Value: 4 * mebibyte, Path: []string{"datastore", "pebble", "pebble_options", "mem_table_size"}},
	}})
	if err != nil {
		return err
	}
	if _, err := l.peer.Start(ctx, ""); err != nil {
		return err
	}
	defer l.peer.Stop()
	m := rig.Meter{Peer: l.peer, URL: "http://" + metrics}
	if err := l.apply(ctx, m, min(l.span, warmUp)); err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	before, err := m.Quiesced(ctx)
	if err != nil {
		return err
	}
	if err := m.Save(ctx, "before"); err != nil {
		return err
	}
	if err := l.apply(ctx, m, l.span); err != nil {
		return err
	}
	return errors.Join(l.compare(ctx, m, before), m.Save(ctx, "after"), l.peer.Alive())
}

// apply lets all clients ask for a while. Each removes what it has added.
func (l *loading) apply(ctx context.Context, m rig.Meter, span time.Duration) error {
	during, end := context.WithTimeout(ctx, span)
	defer end()
	users := make([]*user, loadClients)
	var fns []func(context.Context) error
	for i := range users {
		users[i] = newUser(l.Env, i, l.peer, m.URL)
		fns = append(fns, func(ctx context.Context) error { return users[i].use(during, ctx) })
	}
	err := rig.Concurrently(ctx, fns...)
	for _, u := range users {
		l.requests += u.requests
		l.slowest = max(l.slowest, u.slowest)
		if u.err != nil {
			l.refused++
		}
		u.close()
	}
	return err
}

// compare waits until the peer holds no more than before.
func (l *loading) compare(ctx context.Context, m rig.Meter, before rig.Holding) error {
	defer func() {
		l.Logf("%s: %d goroutines more than before the load, %d MiB of heap, %d MiB resident", l.peer.Name, l.goroutines, l.heap, l.resident)
	}()
	return rig.Eventually(ctx, l.Bound(calmBound), func(ctx context.Context) error {
		after, err := m.Read(ctx)
		if err != nil {
			return err
		}
		l.goroutines = after.Goroutines - before.Goroutines
		l.heap = (after.Heap - before.Heap) / mebibyte
		l.resident = (after.Resident - before.Resident) / mebibyte
		if l.goroutines > moreGoroutines || l.heap > moreHeap/mebibyte || l.resident > moreResident/mebibyte {
			return fmt.Errorf("before the load it held %s, after it %s", before, after)
		}
		return nil
	})
}

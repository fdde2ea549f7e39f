package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
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
func load(ctx context.Context, e *env) (counts, error) {
	l := &loading{env: e, span: time.Duration(e.pick(60, 5)) * time.Second}
	err := l.run(ctx, "peer", e.pinsvc)
	if err == nil && !e.short {
		racing := process.Program{Name: "pinsvc with the race detector", Path: filepath.Join(e.dir, "pinsvc-race")}
		if err = command(ctx, "go", "build", "-race", "-o", racing.Path, ourPackage); err == nil {
			err = l.run(ctx, "racing", racing)
		}
	}
	return l.counts(), err
}

type loading struct {
	*env
	span time.Duration
	peer *peer

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
	metrics, err := freeAddress()
	if err != nil {
		return err
	}
	l.env.pinsvc = program
	l.peer, err = l.newPeer(ctx, name, process.Options{Set: []process.Setting{
		{Value: true, Path: []string{"observations", "metrics", "enable_stats"}},
		{Value: multiaddrOf(metrics), Path: []string{"observations", "metrics", "prometheus_endpoint"}},
		// What the database keeps in memory grows up to this.
		{Value: 8 * mebibyte, Path: []string{"datastore", "pebble", "pebble_options", "cache_size_bytes"}},
		{Value: 4 * mebibyte, Path: []string{"datastore", "pebble", "pebble_options", "mem_table_size"}},
	}})
	if err != nil {
		return err
	}
	if _, err := l.peer.start(ctx, ""); err != nil {
		return err
	}
	defer l.peer.stop()
	m := meter{peer: l.peer, url: "http://" + metrics}
	if err := l.apply(ctx, m, min(l.span, warmUp)); err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	before, err := m.calm(ctx)
	if err != nil {
		return err
	}
	if err := m.save(ctx, "before"); err != nil {
		return err
	}
	if err := l.apply(ctx, m, l.span); err != nil {
		return err
	}
	return errors.Join(l.compare(ctx, m, before), m.save(ctx, "after"), l.peer.alive())
}

// apply lets all clients ask for a while. Each removes what it has added.
func (l *loading) apply(ctx context.Context, m meter, span time.Duration) error {
	during, end := context.WithTimeout(ctx, span)
	defer end()
	users := make([]*user, loadClients)
	var fns []func(context.Context) error
	for i := range users {
		users[i] = newUser(l.env, i, l.peer, m.url)
		fns = append(fns, func(ctx context.Context) error { return users[i].use(during, ctx) })
	}
	err := together(ctx, fns...)
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
func (l *loading) compare(ctx context.Context, m meter, before holding) error {
	defer func() {
		l.logf("%s: %d goroutines more than before the load, %d MiB of heap, %d MiB resident", l.peer.name, l.goroutines, l.heap, l.resident)
	}()
	return eventually(ctx, l.bound(calmBound), func(ctx context.Context) error {
		after, err := m.read(ctx)
		if err != nil {
			return err
		}
		l.goroutines = after.goroutines - before.goroutines
		l.heap = (after.heap - before.heap) / mebibyte
		l.resident = (after.resident - before.resident) / mebibyte
		if l.goroutines > moreGoroutines || l.heap > moreHeap/mebibyte || l.resident > moreResident/mebibyte {
			return fmt.Errorf("before the load it held %s, after it %s", before, after)
		}
		return nil
	})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

// rejoinBound is how long a peer may take to have everything again.
const rejoinBound = 2 * time.Minute

// wiped takes from one of three peers, each pin at two, everything but its
// identity and its configuration. It rejoins, and has the whole pinset and its
// share of the content again.
func wiped(ctx context.Context, e *rig.Env) (counts, error) {
	var files, pins, share int
	var bytes int64
	var took time.Duration
	sum := func() counts {
		return counts{{"files", files}, {"pins", pins}, {"of them its own", share}, {"its bytes", int(bytes)},
			{"whole again after ms", int(took.Milliseconds())}}
	}
	factor := func(key string, n int) process.Setting {
		return process.Setting{Value: n, Path: []string{"cluster", key}}
	}
	c, err := e.NewCluster(ctx, 3, process.Options{Set: []process.Setting{
		factor("replication_factor_min", 2), factor("replication_factor_max", 2),
	}})
	if err != nil {
		return sum(), err
	}
	files, pins = e.Pick(100, 20), e.Pick(2000, 300)
	if err := fill(ctx, e, c, files, pins); err != nil {
		return sum(), err
	}
	before, _, err := c.Same(ctx, e.Bound(catchUpBound))
	if err != nil {
		return sum(), err
	}
	pins = len(before)
	// The first is bootstrapped to; of the others, one that has something.
	var victim *rig.Peer
	var had []string
	for _, p := range c[1:] {
		all, size, err := whole(ctx, p, nil, 0, e.Bound(rejoinBound))
		if err != nil {
			return sum(), fmt.Errorf("before: %w", err)
		}
		if len(all) > len(had) {
			victim, had, bytes = p, all, size
		}
	}
	share = len(had)
	if share < pins/4 {
		return sum(), fmt.Errorf("no peer but the first has to hold anything: %d of %d pins", share, pins)
	}
	e.Logf("%d of %d pins, %d bytes are at %s", share, pins, bytes, victim.Name)

	victim.Kill()
	if err := wipe(victim.Folder.Path()); err != nil {
		return sum(), err
	}
	address, err := c[0].Folder.Multiaddr()
	if err != nil {
		return sum(), err
	}
	start := time.Now()
	if _, err := victim.Start(ctx, address); err != nil {
		return sum(), err
	}
	after, _, err := c.Same(ctx, e.Bound(rejoinBound))
	if err != nil {
		return sum(), err
	}
	if err := rig.Equal(before, after); err != nil {
		return sum(), fmt.Errorf("the pinset has changed: %w", err)
	}
	if _, _, err := whole(ctx, victim, had, bytes, e.Bound(rejoinBound)); err != nil {
		return sum(), err
	}
	took = time.Since(start)
	return sum(), victim.Alive()
}

// fill adds files and pins without blocks through two peers, as soon as they
// know where there is space.
func fill(ctx context.Context, e *rig.Env, c rig.Cluster, files, pins int) error {
	err := rig.Eventually(ctx, e.Bound(rig.MemberBound), func(ctx context.Context) error {
		_, first := c[0].Pins.Post(ctx, rig.PinBody{CID: rig.InlineCID("first")})
		_, second := c[1].Pins.Post(ctx, rig.PinBody{CID: rig.InlineCID("second")})
		return errors.Join(first, second)
	})
	if err != nil {
		return err
	}
	for i := range files {
		data := make([]byte, 100<<10+e.Rand.IntN(400<<10))
		for j := range data {
			data[j] = byte(e.Rand.Uint32())
		}
		if _, err := c[i%2].Rest.Add(ctx, fmt.Sprintf("file %d", i), data); err != nil {
			return err
		}
	}
	for i := range pins {
		if _, err := c[i%2].Pins.Post(ctx, rig.PinBody{CID: rig.InlineCID(fmt.Sprintf("wiped %d", i)), Name: fmt.Sprintf("pin %d", i)}); err != nil {
			return err
		}
	}
	return nil
}

// whole waits until a peer has pinned everything that it has to hold: at least
// the given pins, with blocks of at least nine tenths of the given size. It
// returns the pins and the size.
func whole(ctx context.Context, p *rig.Peer, want []string, least int64, within time.Duration) (all []string, size int64, err error) {
	blocks := filepath.Join(p.Folder.Path(), "ipfs")
	err = rig.Eventually(ctx, within, func(ctx context.Context) error {
		var pinned int
		var err error
		if all, pinned, err = p.Held(ctx); err != nil {
			return err
		}
		if pinned < len(all) {
			return fmt.Errorf("%s has pinned %d of %d", p.Name, pinned, len(all))
		}
		slices.Sort(all)
		for _, id := range want {
			if _, ok := slices.BinarySearch(all, id); !ok {
				return fmt.Errorf("%s does not hold %s any more", p.Name, id)
			}
		}
		if size, err = rig.FolderSize(blocks); err != nil {
			return err
		}
		if size*10 < least*9 {
			return fmt.Errorf("%s: %d bytes of blocks, not %d", p.Name, size, least)
		}
		return nil
	})
	return all, size, err
}

// wipe removes everything from a peer's folder but its identity and its
// configuration.
func wipe(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		switch entry.Name() {
		case "identity.json", "service.json", "daemon.log":
			continue
		}
		if err := os.RemoveAll(filepath.Join(folder, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

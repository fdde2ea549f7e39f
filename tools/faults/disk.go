package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

const (
	mebibyte = 1 << 20
	// almostFull is less than what a peer keeps free for its datastore.
	almostFull = 8 * mebibyte
	// noticeBound is how long a peer may take to see that its disk is full, or
	// is not any more.
	noticeBound = 2 * time.Second
)

// diskFull fills the disk of a peer's datastore, and that of a peer's embedded
// node. Writes are refused with words, answers come in time, nothing is lost or
// damaged, and the peers go on when there is space again.
func diskFull(ctx context.Context, e *rig.Env) (counts, error) {
	s := &datastoreFull{Env: e, writers: rig.NewWriters(e, 4, "disk")}
	err := s.run(ctx)
	all := s.counts()
	if err != nil {
		return all, fmt.Errorf("datastore: %w", err)
	}
	n := &storageFull{Env: e}
	if err = n.run(ctx); err != nil {
		err = fmt.Errorf("embedded node: %w", err)
	}
	return append(all, n.counts()...), err
}

// datastoreFull is two peers, of which the second has its datastore on a small
// disk.
type datastoreFull struct {
	*rig.Env
	disk    *rig.SmallDisk
	cluster rig.Cluster
	writers *rig.Writers
	watched rig.PinStatus

	fills, refused, restarts, asked int
	slowest, healed                 time.Duration
}

func (s *datastoreFull) counts() counts {
	return counts{{"fills of the datastore", s.fills}, {"acknowledged writes", int(s.writers.Answered.Load())},
		{"other answers to writers", int(s.writers.Unanswered.Load())}, {"refused with words", s.refused},
		{"answers", s.asked}, {"slowest answer ms", int(s.slowest.Milliseconds())},
		{"same pinset after ms", int(s.healed.Milliseconds())}, {"restarts", s.restarts}}
}

func (s *datastoreFull) run(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	for round := range s.Pick(10, 2) {
		if err := s.fillAndFree(ctx, round%2 == 1); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
	}
	return s.stopAndStart(ctx)
}

func (s *datastoreFull) prepare(ctx context.Context) (err error) {
	if s.disk, err = s.NewSmallDisk("small", 128*mebibyte); err != nil {
		return err
	}
	first, err := s.NewPeer(ctx, "peer1", process.Options{})
	if err != nil {
		return err
	}
	second, err := s.NewPeer(ctx, "peer2", process.Options{Secret: first.Folder.Secret(), Set: []process.Setting{
		{Value: s.disk.Path + "/pebble", Path: []string{"datastore", "pebble", "folder"}},
		// Tables are written and merged all the time.
		{Value: mebibyte, Path: []string{"datastore", "pebble", "pebble_options", "mem_table_size"}},
	}})
	if err != nil {
		return err
	}
	s.cluster = rig.Cluster{first, second}
	if err := s.cluster.StartAll(ctx); err != nil {
		return err
	}
	if s.watched, err = second.Pins.Post(ctx, rig.PinBody{CID: rig.InlineCID("watched"), Name: "watched"}); err != nil {
		return err
	}
	_, _, err = s.cluster.Same(ctx, s.Bound(healBound))
	return err
}

// small returns the peer on the small disk.
func (s *datastoreFull) small() *rig.Peer { return s.cluster[1] }

// fillAndFree fills the disk under writers at both peers: until the peer
// refuses, and then to the last byte, or at once to the last byte.
func (s *datastoreFull) fillAndFree(ctx context.Context, abrupt bool) error {
	s.fills++
	pid := s.small().Running.PID()
	during, end := context.WithCancel(ctx)
	defer end()
	err := rig.Concurrently(ctx,
		func(context.Context) error {
			defer end()
			return s.writers.Run(during, s.cluster.Clients()...)
		},
		func(context.Context) error {
			defer end()
			asked, slowest, err := s.cluster.WatchAnswers(during, s.watched.RequestID)
			s.asked, s.slowest = s.asked+asked, max(s.slowest, slowest)
			return err
		},
		func(context.Context) error {
			defer end()
			rig.Sleep(during, time.Second)
			if !abrupt {
				if err := errors.Join(s.disk.Fill(almostFull), s.refuses(during)); err != nil {
					return err
				}
			}
			for range s.Pick(4, 1) {
				if err := s.disk.Fill(0); err != nil {
					return err
				}
				if err := s.refuses(during); err != nil {
					return err
				}
				rig.Sleep(during, time.Second)
			}
			if err := s.disk.Release(); err != nil {
				return err
			}
			return s.accepts(during)
		})
	if err != nil {
		return err
	}
	if now := s.small().Running.PID(); now != pid {
		return fmt.Errorf("it was process %d and is %d", pid, now)
	}
	return s.settled(ctx)
}

// refuses sees that every kind of write is refused in words, and that the peer
// says that it is not ready, but alive.
func (s *datastoreFull) refuses(ctx context.Context) error {
	p, id := s.small(), s.watched.RequestID
	writes := []struct {
		c            *rig.Client
		method, path string
		body         any
	}{
		{p.Pins, http.MethodPost, "/pins", rig.PinBody{CID: rig.InlineCID("refused")}},
		{p.Pins, http.MethodPost, "/pins/" + id, rig.PinBody{CID: id, Name: "refused"}},
		{p.Pins, http.MethodPost, "/pins/" + id, rig.PinBody{CID: rig.InlineCID("refused")}},
		{p.Pins, http.MethodDelete, "/pins/" + id, nil},
		{p.Rest, http.MethodPost, "/pins/" + rig.InlineCID("refused"), nil},
		{p.Rest, http.MethodDelete, "/pins/" + id, nil},
	}
	time.Sleep(noticeBound / 4) // the peer may look at its disk now and then
	for _, w := range writes {
		err := w.c.Do(ctx, w.method, w.path, w.body, nil)
		if rig.StatusOf(err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "the disk is full: ") {
			return fmt.Errorf("on a full disk %s %s: %v", w.method, w.path, err)
		}
		s.refused++
	}
	if err := p.Pins.Do(ctx, http.MethodGet, "/ready", nil, nil); rig.StatusOf(err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "the disk is full") {
		return fmt.Errorf("on a full disk GET /ready: %v", err)
	}
	_, err := p.Pins.Send(ctx, http.MethodGet, "/health", "", nil)
	return err
}

// accepts waits until the peer takes writes again.
func (s *datastoreFull) accepts(ctx context.Context) error {
	return rig.Eventually(ctx, s.Bound(noticeBound), func(ctx context.Context) error {
		_, err := s.small().Pins.Post(ctx, rig.PinBody{CID: s.watched.Pin.CID, Name: "watched"})
		return err
	})
}

// settled waits until both peers have the same pinset, which is what was
// acknowledged.
func (s *datastoreFull) settled(ctx context.Context) error {
	pins, took, err := s.cluster.Same(ctx, s.Bound(healBound))
	if err != nil {
		return err
	}
	s.healed = max(s.healed, took)
	delete(pins, s.watched.Pin.CID)
	if d := s.writers.Ledger.Check(pins); !d.None() {
		return errors.New(d.String())
	}
	s.Logf("both peers have the same %d pins %s after there was space", len(pins), took.Round(time.Millisecond))
	return errors.Join(s.cluster[0].Alive(), s.cluster[1].Alive())
}

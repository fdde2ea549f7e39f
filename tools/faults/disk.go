package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
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
func diskFull(ctx context.Context, e *env) (counts, error) {
	s := &datastoreFull{env: e, writers: newWriters(e, 4, "disk")}
	err := s.run(ctx)
	all := s.counts()
	if err != nil {
		return all, fmt.Errorf("datastore: %w", err)
	}
	n := &storageFull{env: e}
	if err = n.run(ctx); err != nil {
		err = fmt.Errorf("embedded node: %w", err)
	}
	return append(all, n.counts()...), err
}

// datastoreFull is two peers, of which the second has its datastore on a small
// disk.
type datastoreFull struct {
	*env
	disk    *smallDisk
	cluster cluster
	writers *writers
	watched pinStatus

	fills, refused, restarts, asked int
	slowest, healed                 time.Duration
}

func (s *datastoreFull) counts() counts {
	return counts{{"fills of the datastore", s.fills}, {"acknowledged writes", int(s.writers.answered.Load())},
		{"other answers to writers", int(s.writers.unanswered.Load())}, {"refused with words", s.refused},
		{"answers", s.asked}, {"slowest answer ms", int(s.slowest.Milliseconds())},
		{"same pinset after ms", int(s.healed.Milliseconds())}, {"restarts", s.restarts}}
}

func (s *datastoreFull) run(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	for round := range s.pick(10, 2) {
		if err := s.fillAndFree(ctx, round%2 == 1); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
	}
	return s.stopAndStart(ctx)
}

func (s *datastoreFull) prepare(ctx context.Context) (err error) {
	if s.disk, err = s.newSmallDisk("small", 128*mebibyte); err != nil {
		return err
	}
	first, err := s.newPeer(ctx, "peer1", process.Options{})
	if err != nil {
		return err
	}
	second, err := s.newPeer(ctx, "peer2", process.Options{Secret: first.folder.Secret(), Set: []process.Setting{
		{Value: s.disk.path + "/pebble", Path: []string{"datastore", "pebble", "folder"}},
		// Tables are written and merged all the time.
		{Value: mebibyte, Path: []string{"datastore", "pebble", "pebble_options", "mem_table_size"}},
	}})
	if err != nil {
		return err
	}
	s.cluster = cluster{first, second}
	if err := s.cluster.startAll(ctx); err != nil {
		return err
	}
	if s.watched, err = second.pins.post(ctx, pinBody{CID: inlineCID("watched"), Name: "watched"}); err != nil {
		return err
	}
	_, _, err = s.cluster.same(ctx, s.bound(healBound))
	return err
}

// small returns the peer on the small disk.
func (s *datastoreFull) small() *peer { return s.cluster[1] }

// fillAndFree fills the disk under writers at both peers: until the peer
// refuses, and then to the last byte, or at once to the last byte.
func (s *datastoreFull) fillAndFree(ctx context.Context, abrupt bool) error {
	s.fills++
	pid := s.small().running.PID()
	during, end := context.WithCancel(ctx)
	defer end()
	err := together(ctx,
		func(context.Context) error {
			defer end()
			return s.writers.run(during, s.cluster.clients()...)
		},
		func(context.Context) error {
			defer end()
			asked, slowest, err := s.cluster.watchAnswers(during, s.watched.RequestID)
			s.asked, s.slowest = s.asked+asked, max(s.slowest, slowest)
			return err
		},
		func(context.Context) error {
			defer end()
			sleep(during, time.Second)
			if !abrupt {
				if err := errors.Join(s.disk.fill(almostFull), s.refuses(during)); err != nil {
					return err
				}
			}
			for range s.pick(4, 1) {
				if err := s.disk.fill(0); err != nil {
					return err
				}
				if err := s.refuses(during); err != nil {
					return err
				}
				sleep(during, time.Second)
			}
			if err := s.disk.release(); err != nil {
				return err
			}
			return s.accepts(during)
		})
	if err != nil {
		return err
	}
	if now := s.small().running.PID(); now != pid {
		return fmt.Errorf("it was process %d and is %d", pid, now)
	}
	return s.settled(ctx)
}

// refuses sees that every kind of write is refused in words, and that the peer
// says that it is not ready, but alive.
func (s *datastoreFull) refuses(ctx context.Context) error {
	p, id := s.small(), s.watched.RequestID
	writes := []struct {
		c            *client
		method, path string
		body         any
	}{
		{p.pins, http.MethodPost, "/pins", pinBody{CID: inlineCID("refused")}},
		{p.pins, http.MethodPost, "/pins/" + id, pinBody{CID: id, Name: "refused"}},
		{p.pins, http.MethodPost, "/pins/" + id, pinBody{CID: inlineCID("refused")}},
		{p.pins, http.MethodDelete, "/pins/" + id, nil},
		{p.rest, http.MethodPost, "/pins/" + inlineCID("refused"), nil},
		{p.rest, http.MethodDelete, "/pins/" + id, nil},
	}
	time.Sleep(noticeBound / 4) // the peer may look at its disk now and then
	for _, w := range writes {
		err := w.c.do(ctx, w.method, w.path, w.body, nil)
		if statusOf(err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "the disk is full: ") {
			return fmt.Errorf("on a full disk %s %s: %v", w.method, w.path, err)
		}
		s.refused++
	}
	if err := p.pins.do(ctx, http.MethodGet, "/ready", nil, nil); statusOf(err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "the disk is full") {
		return fmt.Errorf("on a full disk GET /ready: %v", err)
	}
	_, err := p.pins.send(ctx, http.MethodGet, "/health", "", nil)
	return err
}

// accepts waits until the peer takes writes again.
func (s *datastoreFull) accepts(ctx context.Context) error {
	return eventually(ctx, s.bound(noticeBound), func(ctx context.Context) error {
		_, err := s.small().pins.post(ctx, pinBody{CID: s.watched.Pin.CID, Name: "watched"})
		return err
	})
}

// settled waits until both peers have the same pinset, which is what was
// acknowledged.
func (s *datastoreFull) settled(ctx context.Context) error {
	pins, took, err := s.cluster.same(ctx, s.bound(healBound))
	if err != nil {
		return err
	}
	s.healed = max(s.healed, took)
	delete(pins, s.watched.Pin.CID)
	if d := s.writers.ledger.Check(pins); !d.None() {
		return errors.New(d.String())
	}
	s.logf("both peers have the same %d pins %s after there was space", len(pins), took.Round(time.Millisecond))
	return errors.Join(s.cluster[0].alive(), s.cluster[1].alive())
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// endBound is how long a peer may take to end on a full disk.
const endBound = 40 * time.Second

// stopAndStart stops and starts the peer while its disk is full, and after.
func (s *datastoreFull) stopAndStart(ctx context.Context) error {
	if err := s.disk.Fill(0); err != nil {
		return err
	}
	// What the other peer takes is on its way to a disk that has no space.
	writing, end := context.WithTimeout(ctx, time.Second)
	defer end()
	if err := s.writers.Run(writing, s.cluster[0].Pins); err != nil {
		return err
	}
	start := time.Now()
	s.small().Stop()
	if took := time.Since(start); took > s.Bound(endBound) {
		return fmt.Errorf("on a full disk it took %s to end", took)
	}
	if err := s.small().Sound(); err != nil {
		return err
	}
	if err := s.startFull(ctx); err != nil {
		return err
	}
	if err := s.disk.Release(); err != nil {
		return err
	}
	for _, how := range []func(){s.small().Stop, s.small().Kill} {
		if s.small().Running != nil {
			how()
		}
		if err := s.startAgain(ctx); err != nil {
			return err
		}
		if err := errors.Join(s.accepts(ctx), s.settled(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// startFull starts the peer on a full disk. It may refuse, and has to say why.
func (s *datastoreFull) startFull(ctx context.Context) error {
	err := s.startAgain(ctx)
	if err == nil {
		s.Logf("it starts on a full disk")
		return s.refuses(ctx)
	}
	s.Logf("it does not start on a full disk: %s", err)
	if !strings.Contains(err.Error(), "free some space") {
		return fmt.Errorf("it does not start on a full disk and does not say why: %w", err)
	}
	return s.small().Sound()
}

func (s *datastoreFull) startAgain(ctx context.Context) error {
	s.restarts++
	first, err := s.cluster[0].Folder.Multiaddr()
	if err != nil {
		return err
	}
	_, err = s.small().Start(ctx, first)
	return err
}

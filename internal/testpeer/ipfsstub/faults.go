package ipfsstub

import (
	"context"
	"sync"
)

// faults are what a caller lets go wrong. The zero value is a healthy daemon.
type faults struct {
	mu      sync.Mutex
	away    bool
	failure string
	held    chan struct{} // nil: pins are not held
}

// SetAway lets the daemon look like one that does not run: every connection is
// closed without an answer, until it is set back.
func (s *Stub) SetAway(away bool) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.away = away
}

// FailPins lets every pin/add end with an error of this text. The empty text
// lets them succeed again.
func (s *Stub) FailPins(message string) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.failure = message
}

// HoldPins lets every pin/add wait without progress, as for content that
// nobody provides, until ReleasePins.
func (s *Stub) HoldPins() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if s.faults.held == nil {
		s.faults.held = make(chan struct{})
	}
}

// ReleasePins ends HoldPins: those that waited go on.
func (s *Stub) ReleasePins() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if s.faults.held != nil {
		close(s.faults.held)
		s.faults.held = nil
	}
}

func (f *faults) isAway() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.away
}

// pinFailure returns the text that a pin shall fail with, or "".
func (f *faults) pinFailure() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failure
}

// wait returns when pins are not held, or with an error when ctx ends first.
func (f *faults) wait(ctx context.Context) error {
	f.mu.Lock()
	held := f.held
	f.mu.Unlock()
	if held == nil {
		return nil
	}
	select {
	case <-held:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

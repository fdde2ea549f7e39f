package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// env is what a scenario has.
type env struct {
	dir    string          // of its own, empty
	pinsvc process.Program // what is tested
	short  bool            // less of everything
	slack  float64         // multiplies the bounds of time
	logf   func(string, ...any)
	rand   *rand.Rand // for one goroutine

	mu   sync.Mutex
	ends []func()
}

// bound returns a bound of time for this machine.
func (e *env) bound(d time.Duration) time.Duration {
	return time.Duration(float64(d) * e.slack)
}

// pick returns one of two numbers: for the long form, and for the short one.
func (e *env) pick(long, short int) int {
	if e.short {
		return short
	}
	return long
}

// cleanupWith has something done when the scenario has ended, the last first.
func (e *env) cleanupWith(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ends = append(e.ends, f)
}

func (e *env) cleanup() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := len(e.ends) - 1; i >= 0; i-- {
		e.ends[i]()
	}
	e.ends = nil
}

// kubo returns the path of a Kubo program, built when it is needed first.
func (e *env) kubo(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "tools/build.sh", "ipfs").Output()
	if err != nil {
		return "", fmt.Errorf("tools/build.sh ipfs: %w (run it from the root of the tree)", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// counts are what a scenario has counted, in order.
type counts []count

type count struct {
	what string
	n    int
}

func (c counts) String() string {
	words := make([]string, len(c))
	for i, one := range c {
		words[i] = fmt.Sprintf("%s %d", one.what, one.n)
	}
	return strings.Join(words, ", ")
}

// eventually waits until a condition holds. What it says last is the error of
// one that does not within the time.
func eventually(ctx context.Context, within time.Duration, holds func(context.Context) error) error {
	limit, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var last error
	for {
		start := time.Now()
		err := holds(limit)
		if err == nil {
			return nil
		}
		if last == nil || limit.Err() == nil {
			last = err // not that it was interrupted
		}
		select {
		case <-limit.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("after %s: %w", within, last)
		case <-time.After(max(50*time.Millisecond, time.Since(start))):
		}
	}
}

package rig

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

// Env is what a scenario has.
type Env struct {
	Dir    string          // of its own, empty
	Pinsvc process.Program // what is tested
	Short  bool            // less of everything
	Slack  float64         // multiplies the bounds of time
	Logf   func(string, ...any)
	Rand   *rand.Rand // for one goroutine

	mu   sync.Mutex
	ends []func()
}

// Bound returns a bound of time for this machine.
func (e *Env) Bound(d time.Duration) time.Duration {
	return time.Duration(float64(d) * e.Slack)
}

// Pick returns one of two numbers: for the long form, and for the short one.
func (e *Env) Pick(long, short int) int {
	if e.Short {
		return short
	}
	return long
}

// CleanupWith has something done when the scenario has ended, the last first.
func (e *Env) CleanupWith(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ends = append(e.ends, f)
}

// Cleanup runs what CleanupWith was given, the last first.
func (e *Env) Cleanup() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := len(e.ends) - 1; i >= 0; i-- {
		e.ends[i]()
	}
	e.ends = nil
}

// kubo returns the path of a Kubo program, built when it is needed first.
func (e *Env) kubo(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "tools/build.sh", "ipfs").Output()
	if err != nil {
		return "", fmt.Errorf("tools/build.sh ipfs: %w (run it from the root of the tree)", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Eventually waits until a condition holds. What it says last is the error of
// one that does not within the time.
func Eventually(ctx context.Context, within time.Duration, holds func(context.Context) error) error {
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

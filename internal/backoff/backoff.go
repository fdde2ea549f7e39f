// Package backoff has pauses between the tries of something that fails.
package backoff

import (
	"context"
	"time"
)

// Delay returns how long to wait before the next try after a number of failed ones, at
// least 1: first after one, doubled with each further one, at most last.
func Delay(first, last time.Duration, tries int) time.Duration {
	for range tries - 1 {
		if first *= 2; first >= last {
			return last
		}
	}
	return first
}

// Sleep waits for a duration. It returns false when the context ends first, without an
// error: the caller has the context.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

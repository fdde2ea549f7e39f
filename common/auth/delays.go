package auth

import (
	"context"
	"sync"
	"time"
)

const (
	// maxDelays is how many refusals are held back at once, in all and of one
	// address. One costs a goroutine and its connection, and no slot.
	maxDelays           = 4096
	maxDelaysPerAddress = 1024
)

// delays holds refusals back, so that a client which repeats wrong credentials
// without pause does not take the processor from others.
type delays struct {
	mu    sync.Mutex
	count int
	of    map[string]int // by address
}

func newDelays() *delays { return &delays{of: make(map[string]int)} }

// wait returns after a while, or when ctx ends. It returns false at once when
// too many refusals are held back.
func (d *delays) wait(ctx context.Context, addr string, pause time.Duration) bool {
	if !d.enter(addr) {
		return false
	}
	defer d.leave(addr)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return true
}

func (d *delays) enter(addr string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.count >= maxDelays || d.of[addr] >= maxDelaysPerAddress {
		return false
	}
	d.count++
	d.of[addr]++
	return true
}

func (d *delays) leave(addr string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count--
	if d.of[addr]--; d.of[addr] == 0 {
		delete(d.of, addr)
	}
}

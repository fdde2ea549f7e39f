package consensus

import (
	"context"
	"fmt"
	"time"
)

const (
	// stopPatience bounds the end of the library's component.
	stopPatience = time.Minute
	// lateness is how long writes may go on after the peer has been told to
	// stop. A batch takes milliseconds.
	lateness = 2 * time.Second
)

// Shutdown refuses new writes, waits for those under way, and stops the inner
// component.
func (c *Consensus) Shutdown(ctx context.Context) error {
	c.mu.Lock()
	c.end()
	c.mu.Unlock()
	if c.options.Store == nil {
		c.endLate() // Raft may wait for a leader that never comes
	}
	defer time.AfterFunc(lateness, c.endLate).Stop()
	c.writes.Wait()

	stopped := make(chan error, 1)
	go func() { stopped <- c.Consensus.Shutdown(ctx) }()
	limit := time.NewTimer(stopPatience)
	defer limit.Stop()
	select {
	case err := <-stopped:
		return err
	case <-limit.C:
		return fmt.Errorf("the consensus has not stopped after %s", stopPatience)
	}
}

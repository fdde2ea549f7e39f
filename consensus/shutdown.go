package consensus

import (
	"context"
	"fmt"
	"time"
)

const (
	// shutdownTimeout bounds the shutdown of the inner component.
	shutdownTimeout = time.Minute
	// drainTimeout is how long writes in progress may continue after Shutdown was
	// called. A batch takes milliseconds.
	drainTimeout = 2 * time.Second
)

// Shutdown refuses new writes, waits for the writes in progress, and stops the inner
// component. It returns after shutdownTimeout even if the component has not stopped.
func (c *Consensus) Shutdown(ctx context.Context) error {
	c.mu.Lock()
	c.end()
	c.mu.Unlock()
	if c.options.Store == nil {
		c.endDrain() // a Raft write may wait for a leader that never appears
	}
	defer time.AfterFunc(drainTimeout, c.endDrain).Stop()
	c.writes.Wait()

	stopped := make(chan error, 1)
	go func() { stopped <- c.Consensus.Shutdown(ctx) }()
	limit := time.NewTimer(shutdownTimeout)
	defer limit.Stop()
	select {
	case err := <-stopped:
		return err
	case <-limit.C:
		return fmt.Errorf("the consensus has not stopped after %s", shutdownTimeout)
	}
}

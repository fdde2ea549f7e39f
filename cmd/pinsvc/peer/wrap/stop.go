package wrap

import (
	"context"
	"fmt"
	"time"

	rpc "github.com/libp2p/go-libp2p-gorpc"
)

const (
	// stopPatience bounds the end of the library's component.
	stopPatience = time.Minute
	// lateness is how long writes may go on after the peer has been told to
	// stop. A batch takes milliseconds.
	lateness = 2 * time.Second
	// idle is how long the library's batches need to come to rest.
	idle = 100 * time.Millisecond
	// startPatience bounds a start that only serves the end.
	startPatience = 10 * time.Second
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
	go func() {
		c.calm()
		stopped <- c.Consensus.Shutdown(ctx)
	}()
	limit := time.NewTimer(stopPatience)
	defer limit.Stop()
	select {
	case err := <-stopped:
		return err
	case <-limit.C:
		return fmt.Errorf("the consensus has not stopped after %s", stopPatience)
	}
}

// calm brings the library's CRDT component into the only condition in which it
// can be stopped. When it is still to be started, its start goes on after its
// end, on a closed datastore, and with batches its end waits forever. When a
// batch is being committed, it may take the end for one more item, and panic.
func (c *Consensus) calm() {
	if c.options.Store == nil {
		return
	}
	if !c.connected.Swap(true) {
		c.Consensus.SetClient(rpc.NewClient(nil, ""))
		select {
		case <-c.Consensus.Ready(context.Background()):
		case <-c.ready:
		case <-time.After(startPatience):
		}
	}
	time.Sleep(c.options.BatchAge + idle)
}

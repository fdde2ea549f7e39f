package consensus

import (
	"context"
	"strings"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// A Raft write that failed is tried again after these times.
const (
	firstLeaderPause = 50 * time.Millisecond
	maxLeaderPause   = time.Second
)

// insist makes a change of the inner component. On Raft, where it fails while
// the leader changes, it is made again until it succeeds or the context ends;
// made twice, it is the same change. On CRDT it is made once.
func (c *Consensus) insist(ctx context.Context, change func() error) error {
	for tries := 1; ; tries++ {
		err := change()
		if err == nil || c.options.Store != nil || refused(err) {
			return err
		}
		if !backoff.Sleep(ctx, backoff.Delay(firstLeaderPause, maxLeaderPause, tries)) {
			return c.unavailable("no Raft leader has taken the write", err)
		}
		logger.Debugf("a write is tried again: %s", err)
	}
}

// refused tells whether the leader, which may be another peer, does not want
// the pin.
func refused(err error) bool {
	text := err.Error()
	return strings.Contains(text, pinset.ErrTooLarge.Error()) ||
		strings.Contains(text, pinset.DiskFull("").Error())
}

package consensus

import (
	"context"
	"strings"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/backoff"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Bounds of the backoff between attempts of a Raft write.
const (
	firstLeaderBackoff = 50 * time.Millisecond
	maxLeaderBackoff   = time.Second
)

// retry calls change until it succeeds. On Raft a write fails while the leader changes, so
// it is retried until ctx ends; writes are idempotent. On CRDT change is called once.
func (c *Consensus) retry(ctx context.Context, change func() error) error {
	for tries := 1; ; tries++ {
		err := change()
		if err == nil || c.options.Store != nil || rejected(err) {
			return err
		}
		if !backoff.Sleep(ctx, backoff.Delay(firstLeaderBackoff, maxLeaderBackoff, tries)) {
			return c.unavailable("no Raft leader has taken the write", err)
		}
		logger.Debugf("a write is tried again: %s", err)
	}
}

// rejected reports whether the leader, which may be another peer, has rejected the pin, so
// that a retry is useless.
func rejected(err error) bool {
	text := err.Error()
	return strings.Contains(text, pinset.ErrTooLarge.Error()) ||
		strings.Contains(text, pinset.DiskFull("").Error())
}

package consensus

import (
	"context"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// foreignGrace is how long a write may be missing on Raft while somebody else's
// value is there. After that it has been replaced.
const foreignGrace = time.Second

// content is what a write puts into the state, in a form that can be compared:
// all that is stored of a pin but for its timestamp and the reserved keys of
// its metadata, which a Raft leader sets anew.
type content string

// nothing is the content of a CID that is not in the state.
const nothing content = ""

// contentOf returns the content of a pin, and nothing for one that is not
// defined.
func contentOf(pin api.Pin) (content, error) {
	if !pin.Defined() {
		return nothing, nil
	}
	pin.Timestamp = time.Time{}
	meta := make(map[string]string, len(pin.Metadata))
	for k, v := range pin.Metadata {
		if !pinset.IsReserved(k) {
			meta[k] = v
		}
	}
	pin.Metadata = meta
	b, err := pin.ProtoMarshal()
	return content(b), err
}

// pending is a write that the inner component has taken.
type pending struct {
	before, want content
	turn         turn
}

// await waits until the local state has a write. A CRDT consensus has committed
// it, and its change has been observed; the state of a Raft follower lags behind
// its leader's. ctx must not end.
//
// Somebody else may write the same CID. On CRDT, a value that is not the wanted
// one then has won. On Raft, a third value is either older than the write, which
// then is still to come, or has replaced it already.
func (c *Consensus) await(ctx context.Context, w pending) error {
	limit, cancel := bound(ctx, c.lifeLate)
	defer cancel()
	var replaced <-chan time.Time
	for {
		now := w.before
		if change, ok := w.turn.latest(); ok {
			var err error
			if now, err = contentOf(change.Pin); err != nil {
				return err
			}
		}
		switch {
		case now == w.want || c.commits():
			return nil
		case now == w.before:
			replaced = nil
		case replaced == nil:
			timer := time.NewTimer(foreignGrace)
			defer timer.Stop()
			replaced = timer.C
		}
		select {
		case <-w.turn.changed:
		case <-replaced:
			return nil
		case <-limit.Done():
			return c.notVisible()
		}
	}
}

// commits reports whether the inner component returns from a write when it is
// committed: CRDT does.
func (c *Consensus) commits() bool { return c.options.Store != nil }

// notVisible returns why a write cannot be waited for any longer.
func (c *Consensus) notVisible() error {
	if c.life.Err() != nil {
		return c.unavailable("", c.life.Err())
	}
	return pinset.ErrNotVisible
}

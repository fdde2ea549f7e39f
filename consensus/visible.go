package consensus

import (
	"context"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// replacedAfter is how long a write may be missing on Raft while the state has the value
// of another writer. After that the write counts as overwritten.
const replacedAfter = time.Second

// content is a stored pin in a form that can be compared: the encoded pin without its
// timestamp and the reserved keys of its metadata, which a Raft leader sets again.
type content string

// nothing is the content of a CID that has no pin in the state.
const nothing content = ""

// contentOf returns the content of a pin: nothing for one that is not defined.
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

// pending is a write that the inner component has accepted.
type pending struct {
	before, want content
	handle       keyHandle
}

// await waits until the local state shows a write. On CRDT the write is committed and
// its change has been observed; on Raft the state of a follower lags behind the leader's.
// ctx must not end.
//
// Another peer may write the same CID. On CRDT, a value other than the wanted one has won.
// On Raft, a third value means that this write is still pending or already overwritten;
// after replacedAfter it counts as overwritten.
func (c *Consensus) await(ctx context.Context, w pending) error {
	limit, cancel := bound(ctx, c.drain)
	defer cancel()
	var replaced <-chan time.Time
	for {
		now := w.before
		if change, ok := w.handle.latest(); ok {
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
			timer := time.NewTimer(replacedAfter)
			defer timer.Stop()
			replaced = timer.C
		}
		select {
		case <-w.handle.changed:
		case <-replaced:
			return nil
		case <-limit.Done():
			return c.notVisible()
		}
	}
}

// commits reports whether a write of the inner component is committed when it returns:
// it is on CRDT.
func (c *Consensus) commits() bool { return c.options.Store != nil }

// notVisible returns the error of a write that the state did not show in time.
func (c *Consensus) notVisible() error {
	if c.life.Err() != nil {
		return c.unavailable("", c.life.Err())
	}
	return pinset.ErrNotVisible
}

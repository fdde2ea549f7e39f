package wrap

import (
	"context"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
)

const (
	// The state is looked at after these pauses. The commit follows shortly
	// after it was announced.
	announcedPause = 100 * time.Microsecond
	firstPause     = time.Millisecond
	maxPause       = 20 * time.Millisecond
	// foreignGrace is how long, beyond the age of a batch, a write may be
	// missing while somebody else's value is there. After that it has been
	// replaced.
	foreignGrace = time.Second
)

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
		if !pinsvcapi.IsReserved(k) {
			meta[k] = v
		}
	}
	pin.Metadata = meta
	b, err := pin.ProtoMarshal()
	return content(b), err
}

// pending is a write that the state does not show yet.
type pending struct {
	cid          api.Cid
	before, want content
	changed      <-chan struct{} // has a value when it is time to look
}

// await returns what the local state has when it shows a write: a batch is
// committed later, and a Raft follower's state lags behind its leader's. ctx
// must not end.
//
// Somebody else may write the same CID. A content that is neither what was
// there before nor what is wanted either comes from before the write, which
// then still is to come, or has replaced it already.
func (c *Consensus) await(ctx context.Context, w pending) (api.Pin, error) {
	var foreign time.Time // when a third content was first seen
	limit, cancel := bound(ctx, c.lifeLate)
	defer cancel()
	for pause := firstPause; ; pause = min(pause*3/2, maxPause) {
		pin, err := c.stored(ctx, w.cid)
		if err != nil {
			return api.Pin{}, err
		}
		now, err := contentOf(pin)
		switch {
		case err != nil:
			return api.Pin{}, err
		case now == w.want:
			return pin, nil
		case now == w.before:
			foreign = time.Time{}
		case foreign.IsZero():
			foreign = time.Now()
		case time.Since(foreign) > c.options.BatchAge+foreignGrace:
			return pin, nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-w.changed:
			pause = announcedPause
		case <-limit.Done():
			return api.Pin{}, c.notVisible()
		}
		timer.Stop()
	}
}

// notVisible returns why a write cannot be waited for any longer.
func (c *Consensus) notVisible() error {
	if c.life.Err() != nil {
		return c.unavailable("", c.life.Err())
	}
	return pinsvcapi.ErrNotVisible
}

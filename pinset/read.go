package pinset

import (
	"context"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
)

// readTTL bounds the age of a read that is used again.
const readTTL = time.Second

type readKey struct{}

// read is what the state had for a CID when a request read it.
type read struct {
	cid api.Cid
	pin api.Pin // not defined: nothing
	at  time.Time
}

// WithRead returns a context in which KnownState need not read the pin of a CID again.
// pin is what the state had a moment ago, a pin that is not defined when it had none.
func WithRead(ctx context.Context, c api.Cid, pin api.Pin) context.Context {
	return context.WithValue(ctx, readKey{}, read{c, pin, time.Now()})
}

// KnownState returns st with the pin of WithRead, if the context has one that is at most
// a second old. The library's Cluster reads the pin of each write before it calls the
// consensus, which reads it again under a lock: this spares the first of the two.
func KnownState(ctx context.Context, st state.ReadOnly) state.ReadOnly {
	if r, ok := ctx.Value(readKey{}).(read); ok && time.Since(r.at) <= readTTL {
		return knownState{st, r}
	}
	return st
}

type knownState struct {
	state.ReadOnly
	read read
}

// Get implements state.ReadOnly.
func (s knownState) Get(ctx context.Context, c api.Cid) (api.Pin, error) {
	switch {
	case !c.Equals(s.read.cid):
		return s.ReadOnly.Get(ctx, c)
	case !s.read.pin.Defined():
		return api.Pin{}, state.ErrNotFound
	}
	return s.read.pin, nil
}

package wrap

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs-cluster/ipfs-cluster/state/dsstate"
	"github.com/stretchr/testify/require"
)

// changes notes what is told, and what the state had then.
type changes struct {
	mu    sync.Mutex
	state *dsstate.State
	seen  map[api.Cid]bool // whether the state had it
}

func (c *changes) note(ci api.Cid) {
	has, err := c.state.Has(context.Background(), ci)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[ci] = has && err == nil
}

// A snapshot that is read into the state, as Raft does with one from another
// peer, is told pin by pin, when the state has it. So is any other change.
func TestWatchedTellsOfASnapshot(t *testing.T) {
	ctx := t.Context()
	open := func(c *changes) *dsstate.State {
		c.seen = make(map[api.Cid]bool)
		st, err := dsstate.New(ctx, Watched(inmem.New(), c.note), "ns", dsstate.DefaultHandle())
		require.NoError(t, err)
		c.state = st
		return st
	}
	var there, here changes
	leader, follower := open(&there), open(&here)
	for i := range 20 {
		require.NoError(t, leader.Add(ctx, testPin(i, "name")))
	}
	require.NoError(t, leader.Rm(ctx, testCID(3)))
	require.Len(t, there.seen, 20)
	require.False(t, there.seen[testCID(3)])
	require.True(t, there.seen[testCID(4)])

	var snapshot bytes.Buffer
	require.NoError(t, leader.Marshal(&snapshot))
	require.NoError(t, follower.Unmarshal(&snapshot))
	require.Len(t, here.seen, 19)
	for i := range 20 {
		require.Equal(t, i != 3, here.seen[testCID(i)])
	}
}

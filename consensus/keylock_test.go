package consensus

import (
	"context"
	"sync"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

func TestKeyLocksExcludeByKey(t *testing.T) {
	k := newKeyLocks()
	counts := make([]int, 3) // the race detector sees an unguarded one
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			handle, err := k.lock(context.Background(), fakes.CID(i%3))
			if err == nil {
				counts[i%3]++
				handle.end()
			}
		})
	}
	wg.Wait()
	require.Equal(t, []int{100, 100, 100}, counts)
	require.Empty(t, k.locks, "unused locks are forgotten")
}

func TestKeyLocksGiveUpWithTheContext(t *testing.T) {
	k := newKeyLocks()
	held, err := k.lock(t.Context(), fakes.CID(1))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	_, err = k.lock(ctx, fakes.CID(1))
	require.ErrorIs(t, err, context.Canceled)

	free, err := k.lock(t.Context(), fakes.CID(2))
	require.NoError(t, err, "another key is free")
	free.end()
	held.end()
	require.Empty(t, k.locks)
}

func TestKeyLocksPassChangesToTheHolder(t *testing.T) {
	change := func(i int, name string) pinset.Change {
		return pinset.Change{CID: fakes.CID(i), Pin: api.Pin{Cid: fakes.CID(i), PinOptions: api.PinOptions{Name: name}}}
	}
	k := newKeyLocks()
	k.observe(change(1, "nobody"))
	held, err := k.lock(t.Context(), fakes.CID(1))
	require.NoError(t, err)
	k.observe(change(2, "of another"))
	require.Empty(t, held.changed)
	_, ok := held.latest()
	require.False(t, ok)
	k.observe(change(1, "first"))
	k.observe(change(1, "second")) // does not wait
	<-held.changed
	require.Empty(t, held.changed)
	latest, ok := held.latest()
	require.True(t, ok)
	require.Equal(t, change(1, "second"), latest)
}

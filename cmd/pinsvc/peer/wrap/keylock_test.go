package wrap

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeyLocksExcludeByKey(t *testing.T) {
	k := newKeyLocks()
	counts := make([]int, 3) // the race detector sees an unguarded one
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			turn, err := k.lock(context.Background(), testCID(i%3))
			if err == nil {
				counts[i%3]++
				turn.end()
			}
		})
	}
	wg.Wait()
	require.Equal(t, []int{100, 100, 100}, counts)
	require.Empty(t, k.locks, "unused locks are forgotten")
}

func TestKeyLocksGiveUpWithTheContext(t *testing.T) {
	k := newKeyLocks()
	held, err := k.lock(t.Context(), testCID(1))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	_, err = k.lock(ctx, testCID(1))
	require.ErrorIs(t, err, context.Canceled)

	free, err := k.lock(t.Context(), testCID(2))
	require.NoError(t, err, "another key is free")
	free.end()
	held.end()
	require.Empty(t, k.locks)
}

func TestKeyLocksSignalTheHolder(t *testing.T) {
	k := newKeyLocks()
	k.signal(testCID(1)) // nobody
	held, err := k.lock(t.Context(), testCID(1))
	require.NoError(t, err)
	require.Empty(t, held.changed)
	k.signal(testCID(2))
	require.Empty(t, held.changed)
	k.signal(testCID(1))
	k.signal(testCID(1)) // does not wait
	<-held.changed
	require.Empty(t, held.changed)
}

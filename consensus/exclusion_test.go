package consensus

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// Who wants a lock that somebody holds waits, and comes next.
func TestKeyLocksLetOneInAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeyLocks()
		held, err := k.lock(t.Context(), fakes.CID(1))
		require.NoError(t, err)
		entered := make(chan keyHandle, 1)
		go func() {
			if next, err := k.lock(t.Context(), fakes.CID(1)); err == nil {
				entered <- next
			}
		}()
		synctest.Wait()
		require.Empty(t, entered)
		held.end()
		synctest.Wait()
		require.Len(t, entered, 1)
		(<-entered).end()
		require.Empty(t, k.locks)
	})
}

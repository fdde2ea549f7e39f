package auth

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// wait is a call of enter in a goroutine.
type wait struct {
	leave  func()
	waited bool
	err    error
	done   bool
	cancel context.CancelFunc
}

// queued makes waits of an address, in order, in a bubble of synctest.
func queued(q *hashQueue, addr string, n int) []*wait {
	var all []*wait
	for range n {
		ctx, cancel := context.WithCancel(context.Background())
		w := &wait{cancel: cancel}
		all = append(all, w)
		go func() {
			w.leave, w.waited, w.err = q.enter(ctx, addr)
			w.done = true
		}()
		synctest.Wait()
	}
	return all
}

// granted counts the waits that may hash.
func granted(all []*wait) (n int) {
	for _, w := range all {
		if w.done && w.err == nil {
			n++
		}
	}
	return n
}

func TestHashQueueIsFairToAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newHashQueue()
		q.free = 1
		many := queued(q, "many", 100)
		require.Equal(t, 1, granted(many), "the first did not wait")
		one := queued(q, "one", 1)
		other := queued(q, "other", 2)
		for _, want := range [][3]int{{2, 0, 0}, {2, 1, 0}, {2, 1, 1}, {3, 1, 1}, {3, 1, 2}, {4, 1, 2}, {5, 1, 2}} {
			q.leave()
			synctest.Wait()
			require.Equal(t, want, [3]int{granted(many), granted(one), granted(other)})
		}
		for range 97 - 2 + 1 {
			q.leave()
			synctest.Wait()
		}
		require.Equal(t, 100, granted(many))
		require.Equal(t, 1, q.free)
		require.Zero(t, q.waiting)
		require.Empty(t, q.queues)
		require.Zero(t, q.turns.Len())
	})
}

func TestHashQueueBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newHashQueue()
		q.free = 0
		var all []*wait
		for i := range maxHashWaits / maxHashWaitsPerAddress {
			all = append(all, queued(q, fmt.Sprint(i), maxHashWaitsPerAddress)...)
		}
		over := queued(q, "0", 1)[0]
		require.ErrorIs(t, over.err, errAddressQueueFull)
		require.False(t, over.waited)

		late := queued(q, "late", 1)[0]
		require.False(t, late.done, "an address with few waits takes the place of one with many")
		dropped := 0
		for _, w := range all {
			if errors.Is(w.err, errQueueFull) {
				require.True(t, w.waited)
				dropped++
			}
		}
		require.Equal(t, 1, dropped)
		require.Equal(t, maxHashWaits, q.waiting)
		q.leave()
		for range len(q.queues) {
			q.leave()
		}
		synctest.Wait()
		require.NoError(t, late.err)
		require.True(t, late.done)
		for _, w := range all {
			w.cancel()
		}
		synctest.Wait()
		require.Zero(t, q.waiting)
	})
}

// A client that goes away leaves the queue, and keeps no turn.
func TestHashQueueWithoutItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newHashQueue()
		q.free = 0
		all := queued(q, "a", 2)
		all[0].cancel()
		synctest.Wait()
		require.ErrorIs(t, all[0].err, context.Canceled)
		require.True(t, all[0].waited)
		q.leave()
		synctest.Wait()
		require.Equal(t, 1, granted(all[1:]))
		all[1].leave()
		require.Equal(t, 1, q.free)
	})
}

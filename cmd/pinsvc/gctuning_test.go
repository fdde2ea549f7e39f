package main

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWorthTrimming(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		live, held uint64
		want       bool
	}{
		{0, 0, false}, {50 * mb, 100 * mb, false}, {50 * mb, 250 * mb, true}, {400 * mb, 700 * mb, false}, {400 * mb, 800 * mb, true},
	} {
		require.Equal(t, c.want, worthTrimming(c.live, c.held), "%d of %d", c.live/mb, c.held/mb)
	}
}

// What is not needed any more is seen, and is gone after a trim.
func TestHeap(t *testing.T) {
	garbage := make([]byte, 4*trimFrom)
	for i := range garbage {
		garbage[i] = 1
	}
	runtime.KeepAlive(garbage)
	garbage = nil
	_, before := heap()
	debug.FreeOSMemory()
	live, after := heap()
	require.Less(t, after+3*trimFrom, before)
	require.False(t, worthTrimming(live, after))
}

func TestGCPercent(t *testing.T) {
	require.Equal(t, usualGC, gcPercent(largeHeap-1))
	require.Equal(t, largeGC, gcPercent(largeHeap))
}

func TestSoftLimit(t *testing.T) {
	require.Equal(t, int64(calmHeap), softLimit(0))
	require.Equal(t, int64(calmHeap), softLimit(calmHeap/3))
	require.Equal(t, int64(6<<30), softLimit(2<<30), "a large view is no reason to collect all the time")
}

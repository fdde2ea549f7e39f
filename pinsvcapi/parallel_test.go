package pinsvcapi

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

func TestParallel(t *testing.T) {
	var now, most atomic.Int32
	done := make([]int, 100)
	pinset.Parallel(len(done), 4, func(i int) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		done[i]++
		now.Add(-1)
	})
	for _, n := range done {
		require.Equal(t, 1, n)
	}
	require.LessOrEqual(t, most.Load(), int32(4))
	pinset.Parallel(0, 4, func(int) { t.Fatal("there is nothing to call for") })
}

// A panic while a page is filled is one request's 500, not the end of the peer.
func TestPanicInAList(t *testing.T) {
	a := newTestAPI(t)
	burst(a, 5)
	a.cluster.OnStatus = func(p pinset.Pin) {
		if p.CID == testCID(2) {
			panic("a mistake")
		}
	}
	code, body := a.do(http.MethodGet, "/pins", "")
	require.Equal(t, http.StatusInternalServerError, code)
	require.NotContains(t, body, "a mistake")
	a.cluster.OnStatus = nil
	require.Equal(t, 5, a.list("").Count)
}

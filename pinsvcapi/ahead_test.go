package pinsvcapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

func TestAheadCallsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var began []int
		hold := make(chan struct{})
		a := newAhead(3, 1, func(i int) error {
			began = append(began, i)
			<-hold
			if i%2 == 0 {
				return errors.New("even")
			}
			return nil
		})
		a.allow(6)
		a.allow(5) // no less than before
		synctest.Wait()
		require.Equal(t, []int{3}, began)
		close(hold)
		require.NoError(t, a.wait(4))
		require.EqualError(t, a.wait(6), "even")
		require.NoError(t, a.wait(6), "an error is returned once")
		require.Equal(t, []int{3, 4, 5}, began)
		a.allow(7)
		require.EqualError(t, a.wait(7), "even")
		a.stop()
	})
}

// Calls go on beside a slow one, as many at a time as the limit says, and stop when
// the user does.
func TestAheadGoesOnBesideASlowCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 4
		var now, most, began atomic.Int32
		slow := make(chan struct{})
		a := newAhead(0, limit, func(i int) error {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			began.Add(1)
			if i == 0 {
				<-slow
			}
			time.Sleep(time.Millisecond)
			now.Add(-1)
			return nil
		})
		a.allow(20)
		synctest.Wait()
		time.Sleep(time.Second)
		require.EqualValues(t, 20, began.Load())
		require.EqualValues(t, 1, now.Load())
		waited := make(chan error)
		go func() { waited <- a.wait(10) }()
		synctest.Wait()
		close(slow)
		require.NoError(t, <-waited)
		require.NoError(t, a.wait(20))
		require.EqualValues(t, limit, most.Load())

		a.allow(100)
		synctest.Wait()
		a.stop()
		require.Less(t, began.Load(), int32(30), "nothing begins after stop")
		require.Zero(t, now.Load())
	})
}

func TestAheadPanic(t *testing.T) {
	a := newAhead(0, 2, func(i int) error {
		if i == 5 {
			panic("a mistake")
		}
		return nil
	})
	a.allow(10)
	require.Panics(t, func() { _ = a.wait(10) })
	a.allow(20)
	require.Panics(t, func() { _ = a.wait(20) })
	a.stop()
}

// While one pin of a long page is slow, those after it are read.
func TestSlowPinOfAList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newTestAPI(t)
		want := burst(a, 100)
		slow := make(chan struct{})
		var asked atomic.Int32
		a.cluster.OnStatus = func(p pinset.Pin) {
			asked.Add(1)
			if p.CID.String() == want[40] {
				<-slow
			}
		}
		got := make(chan resultsJSON)
		go func() { got <- a.list("limit=100") }()
		synctest.Wait()
		require.Greater(t, asked.Load(), int32(41+maxAhead/4))
		require.LessOrEqual(t, asked.Load(), int32(41+maxAhead))
		close(slow)
		require.Equal(t, want, ids(<-got))
	})
}

// A panic after the answer has begun cuts the connection, and nothing goes on.
func TestPanicInTheMiddleOfAList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newTestAPI(t)
		want := burst(a, 100)
		a.cluster.OnStatus = func(p pinset.Pin) {
			if p.CID.String() == want[60] {
				panic("a mistake")
			}
		}
		require.PanicsWithValue(t, http.ErrAbortHandler, func() {
			a.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/pins?limit=100", nil))
		})
	})
}

// Of a page, however many of its pins have the same `created`, few are in memory.
func TestPinsThatAListKeeps(t *testing.T) {
	a := newTestAPI(t)
	for i := range 500 {
		a.cluster.Seed(pinset.Pin{CID: testCID(i), Name: testCID(i).String(), Created: testEpoch})
	}
	kept := func(all []*listed) (n int) {
		for _, l := range all {
			if l != nil && l.pin.Name != "" {
				n++
			}
		}
		return n
	}
	s := &service{cluster: a.cluster, cache: newDelegateCache(), now: time.Now}
	p, err := s.list(t.Context(), query{limit: 500, statuses: []pinset.Status{pinset.StatusPinned}})
	require.NoError(t, err)
	require.Len(t, p.group, 499)
	require.LessOrEqual(t, kept(p.group), maxAhead)
	require.NoError(t, p.write(t.Context(), httptest.NewRecorder()))
	require.Zero(t, p.kept.Load())
	require.Zero(t, kept(p.seen))

	got := a.list("limit=500")
	require.Len(t, got.Results, 500)
	for _, r := range got.Results {
		require.Equal(t, r.RequestID, r.Pin.Name)
	}
}

package view

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Pins come, change and go from several sides while the view is built, lists
// are made and the state is compared: in the end the view is the state, and a
// list never shows what was never there.
func TestModel(t *testing.T) {
	const writers, each, own = 4, 600, 60
	f := newFakeSource("peer1", "peer2")
	v := newTestView(t, f)
	for i := range writers * own {
		if i%2 == 0 {
			f.store(testPin(i))
		}
	}
	var stop atomic.Bool
	var writing, reading sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 7))
			for i := range each {
				p := testPin(w*own + rng.IntN(own))
				p.Name = fmt.Sprintf("writer %d, %d", w, i)
				f.says("peer1", pinset.State(rng.IntN(4)), p)
				if rng.IntN(3) == 0 {
					f.commitRemoval(p.Cid)
				} else {
					f.commit(p)
				}
			}
		})
	}
	for range 2 {
		reading.Go(func() {
			for !stop.Load() {
				again(v)
				s := only("queued", "pinned", "pinning", "failed")
				s.Max = 1001
				got, err := v.Select(t.Context(), s)
				if err == nil && (got.Count > writers*own || got.Count != len(got.First)) {
					t.Errorf("%d pins, count %d", len(got.First), got.Count)
				}
				_, err = v.Select(t.Context(), pinset.Selection{Statuses: s.Statuses[:1], Max: 10, Name: pinset.NewName("ipartial", "WRITER 1")})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	start(t, v)
	reading.Go(func() {
		for !stop.Load() {
			if err := v.compare(); err != nil {
				t.Error(err)
			}
		}
	})
	writing.Wait()
	requireEqual(t, v, f)
	stop.Store(true)
	reading.Wait()
	requireEqual(t, v, f)
	asks(v)
	checkStatuses(t, v)
}

// checkStatuses holds what the board has noted against what peers say.
func checkStatuses(t *testing.T, v *View) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.index.byCreated.Scan(func(it *item) bool {
		require.False(t, v.statuses.stale(it), it.name())
		return true
	})
}

// The view is built in the end although the state fails first.
func TestBuildIsTriedAgain(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	tries := 0
	require.True(t, v.retry(0, func() error {
		if tries++; tries < 3 {
			return errors.New("not now")
		}
		return nil
	}))
	require.Equal(t, 3, tries)
	v.Close()
	require.False(t, v.retry(0, func() error { return errors.New("never") }))
}

// Lists wait for the view. When it cannot be built, they are made by scans.
func TestListsBeforeTheViewIsComplete(t *testing.T) {
	f := newFakeSource("peer1")
	f.store(testPin(1))
	v := newTestView(t, f)
	release := make(chan struct{})
	f.onScan = func() { <-release }
	counted := make(chan int)
	ready := make(chan struct{})
	v.Start(ready)
	go func() { counted <- count(t, v, "pinned") }()
	close(ready)
	close(release)
	require.Equal(t, 1, <-counted)

	f = newFakeSource("peer1")
	f.scanFails = errors.New("not now")
	v = newTestView(t, f)
	ready = make(chan struct{})
	v.Start(ready)
	close(ready)
	_, err := v.Select(t.Context(), only("pinned"))
	require.ErrorIs(t, err, errScanned)
}

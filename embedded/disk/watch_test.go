package disk

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// fakeDisk has as much space as it is told.
type fakeDisk struct {
	atomic.Uint64
	looks atomic.Int64
}

func (d *fakeDisk) free() uint64 {
	d.looks.Add(1)
	return d.Load()
}

func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeDisk{}
		w := NewWatchOf("/var/lib/pinsvc/pebble", d.free)
		for _, step := range []struct {
			left uint64
			full bool
		}{
			{Reserve, false}, {Reserve - 1, true}, {Reserve, true}, // not back and forth
			{Reserve + margin - 1, true}, {Reserve + margin, false}, {0, true}, {1 << 40, false},
		} {
			d.Store(step.left)
			time.Sleep(remembered)
			err := w.Room()
			require.Equal(t, step.full, err != nil, step.left)
			var full *FullError
			if errors.As(err, &full) {
				require.Equal(t, step.left, full.Left)
				require.Contains(t, err.Error(), `left for the folder "pebble"`)
				require.NotContains(t, err.Error(), "/var/lib", "clients see it")
			}
		}
	})
}

func TestRoomLooksNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeDisk{}
		d.Store(1 << 40)
		w := NewWatchOf("pebble", d.free)
		for range 1000 {
			require.NoError(t, w.Room())
		}
		require.EqualValues(t, 1, d.looks.Load())
		d.Store(0)
		time.Sleep(time.Second)
		require.Error(t, w.Room())
	})
}

func TestFree(t *testing.T) {
	require.NotZero(t, Free(t.TempDir()))
	require.Greater(t, Free("/no/such/folder"), uint64(1<<60), "not known: nothing is refused")
}

package tracker

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// written returns a pin that was created now and last written some time
// later.
func written(i int, name string, later time.Duration) api.Pin {
	p := at(fakes.Pin(i, name), later)
	p.Metadata = map[string]string{pinset.CreatedKey: pinset.EncodeCreated(time.Now())}
	return p
}

func TestNewPins(t *testing.T) {
	key := func(p api.Pin, created string) api.Pin {
		p.Metadata = map[string]string{pinset.CreatedKey: created}
		return p
	}
	for name, tt := range map[string]struct {
		pin   func() api.Pin
		asked int
	}{
		"created now":                      {func() api.Pin { return written(1, "x", 0) }, 0},
		"created a little ahead":           {func() api.Pin { return written(1, "x", -time.Second) }, 0},
		"updated":                          {func() api.Pin { return written(1, "x", 5*time.Second) }, 1},
		"created long ago":                 {func() api.Pin { return key(fakes.Pin(1, "x"), "1990-01-01T00:00:00.000Z") }, 1},
		"of a peer that does not write it": {func() api.Pin { return fakes.Pin(1, "x") }, 1},
	} {
		fakes.Bubble(t, name, func(t *testing.T) {
			b := newBench(t)
			p := tt.pin()
			b.state.Put(p)
			b.track(p)
			fakes.After(time.Second)
			require.Equal(t, []string{"pin x"}, b.inner.told())
			require.Equal(t, tt.asked, b.ipfs.questions())
		})
	}
}

// A pin that is updated within the second that it was created in looks new.
func TestUpdateRightAfterTheCreation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		p := written(1, "x", 0)
		b.state.Put(p)
		b.track(p)
		fakes.After(0)
		require.Equal(t, []string{"pin x"}, b.inner.told())
		b.inner.end(fakes.CID(1), true)
		b.ipfs.pins[fakes.CID(1)] = api.IPFSPinStatusRecursive

		p.Name = "y"
		b.state.Put(p)
		b.ipfs.set(func(h *fakeHolder) { h.frozen = true })
		b.track(p)
		fakes.After(time.Second)
		require.Equal(t, api.TrackerStatusPinned, b.Status(t.Context(), fakes.CID(1)).Status)
		b.ipfs.set(func(h *fakeHolder) { h.frozen = false })
		fakes.After(time.Minute)
		require.Empty(t, b.inner.told())
	})
}

func TestRecentForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recent
		r.add(fakes.CID(1))
		for range 3 {
			time.Sleep(recentTime / 2)
			r.add(fakes.CID(2))
		}
		require.True(t, r.has(fakes.CID(1)), "for a while")
		require.True(t, r.has(fakes.CID(2)))
		for range 4 {
			time.Sleep(recentTime / 2)
			r.add(fakes.CID(3))
		}
		require.False(t, r.has(fakes.CID(1)))
		require.Len(t, r.now, 1)
	})
}

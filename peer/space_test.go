package peer

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/embedded/disk"
)

// The end of a peer may wait for space on its disk. It waits as long as there is
// hope, and no longer.
func TestShutdownOnAFullDisk(t *testing.T) {
	for name, tt := range map[string]struct {
		left uint64
		want string
	}{
		"full":     {0, "the disk is full, so that not everything was closed"},
		"not full": {1 << 40, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const wait = time.Minute // of a datastore that cannot write
				p := &Peer{done: make(chan struct{}), cancel: func() {}}
				p.disk = disk.NewWatchOf("pebble", func() uint64 { return tt.left })
				p.closers = []closer{{"datastore", func(context.Context) error { time.Sleep(wait); return nil }}}
				start := time.Now()
				err := p.Shutdown(t.Context())
				if tt.want == "" {
					require.NoError(t, err)
					require.Equal(t, wait, time.Since(start))
					return
				}
				require.ErrorContains(t, err, tt.want)
				require.LessOrEqual(t, time.Since(start), 2*fullPatience)
				time.Sleep(wait) // the rest ends when it can
			})
		})
	}
}

// A disk that is freed while the peer waits lets it end in order.
func TestShutdownWhenSpaceComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left atomic.Uint64
		p := &Peer{done: make(chan struct{}), cancel: func() {}}
		p.disk = disk.NewWatchOf("pebble", left.Load)
		p.closers = []closer{{"datastore", func(context.Context) error {
			time.Sleep(fullPatience / 2)
			left.Store(1 << 40)
			return nil
		}}}
		require.NoError(t, p.Shutdown(t.Context()))
	})
}

package main

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/embedded"
)

func TestProgressLine(t *testing.T) {
	old, young := time.Now().Add(-time.Minute), time.Now()
	c := cid.MustParse(testCID("progress"))
	for name, tt := range map[string]struct {
		fetches []embedded.Fetch
		want    string
	}{
		"nothing":       {},
		"only just now": {[]embedded.Fetch{{Cid: c, Blocks: 1, Started: young}}, ""},
		"one": {
			[]embedded.Fetch{{Cid: c, Blocks: 1234, Bytes: 5 << 20, Started: old}, {Cid: c, Blocks: 1, Started: young}},
			"Fetching " + c.String() + ": 1,234 blocks, 5.0 MiB so far",
		},
		"several": {
			[]embedded.Fetch{{Cid: c, Blocks: 1, Bytes: 1 << 20, Started: old}, {Blocks: 2, Bytes: 2 << 20, Started: old}},
			"Fetching 2 pins: 3 blocks, 3.0 MiB so far, the oldest " + c.String(),
		},
	} {
		require.Equal(t, tt.want, progressLine(slices.Values(tt.fetches), firstInterval), name)
	}
}

// A long fetch is told sparingly, and one that stands still only once.
func TestTellProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var still atomic.Bool
		fetches := func() iter.Seq[embedded.Fetch] {
			f := embedded.Fetch{Started: start}
			if !still.Load() {
				f.Blocks = uint64(time.Since(start).Seconds())
			}
			return slices.Values([]embedded.Fetch{f})
		}
		ctx, cancel := context.WithCancel(t.Context())
		var out output
		done := make(chan struct{})
		go func() {
			defer close(done)
			writeProgress(ctx, &out, fetches)
		}()
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		lines := strings.Count(out.String(), "\n")
		require.Greater(t, lines, 9)
		require.Less(t, lines, 15)
		still.Store(true)
		time.Sleep(time.Hour)
		cancel()
		<-done
		require.Equal(t, lines+1, strings.Count(out.String(), "\n"))
	})
}

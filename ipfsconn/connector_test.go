package ipfsconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// connected returns a Connector around a fake.
func connected(t *testing.T, f *fakes.IPFS) *Connector {
	c := New(f)
	t.Cleanup(func() {
		require.NoError(t, c.Shutdown(context.Background()))
		require.True(t, f.Stopped)
	})
	return c
}

func TestReadyWithoutIPFS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakes.NewIPFS()
		f.Mode = "frozen"
		c := connected(t, f)
		<-c.Ready(t.Context())
		start := time.Now()
		_, err := c.ID(t.Context())
		require.Error(t, err)
		require.LessOrEqual(t, time.Since(start), idTimeout)
	})
}

func TestPinWaitsForIPFS(t *testing.T) {
	for _, mode := range []string{"away", "frozen"} {
		fakes.Bubble(t, mode, func(t *testing.T) {
			f := fakes.NewIPFS()
			f.Mode = mode
			f.Pins[fakes.CID(9)] = api.IPFSPinStatusRecursive
			c := connected(t, f)
			failed := make(chan error, 102)
			for i := range 100 {
				go func() { failed <- c.Pin(t.Context(), fakes.Pin(100+i, "x")) }()
			}
			go func() { failed <- c.Unpin(t.Context(), fakes.CID(9)) }()
			fakes.After(fakes.RequestTimeout)
			go func() { failed <- c.Pin(t.Context(), fakes.Pin(200, "x")) }()
			fakes.After(fakes.RequestTimeout)
			require.Empty(t, failed)
			require.LessOrEqual(t, f.Count("pin"), 101, "nobody tries again meanwhile")
			require.LessOrEqual(t, f.Count("id"), int(2*fakes.RequestTimeout/maxProbeBackoff)+3, "one question is for all")

			f.Set(func(f *fakes.IPFS) { f.Mode = "" })
			for range 102 {
				require.NoError(t, <-failed)
			}
			require.Len(t, f.Pins, 101)
		})
	}
}

func TestPinErrors(t *testing.T) {
	refused := errors.New("IPFS error (pin/add). Code: 500. Message: merkledag: not found")
	for name, tt := range map[string]struct {
		prepare func(*fakes.IPFS)
		want    error // nil: it is pinned in the end
		within  time.Duration
	}{
		"none":                                 {func(*fakes.IPFS) {}, nil, 0},
		"about the pin":                        {func(f *fakes.IPFS) { f.Fail = refused }, refused, recheckDelay},
		"it ends early":                        {func(f *fakes.IPFS) { f.Breaks = true }, errNotThere, recheckDelay},
		"no progress for too long":             {func(f *fakes.IPFS) { f.Fail = context.Canceled }, context.Canceled, recheckDelay},
		"the connection breaks all the time":   {func(f *fakes.IPFS) { f.Fail = io.ErrUnexpectedEOF }, io.ErrUnexpectedEOF, 10 * time.Second},
		"the connection breaks and is back":    {func(f *fakes.IPFS) { f.Fail = fmt.Errorf("reading: %w", io.ErrUnexpectedEOF); mend(f) }, nil, 10 * time.Second},
		"it ends early because the node stops": {func(f *fakes.IPFS) { f.Breaks = true; stops(f) }, nil, time.Minute},
		"requests fail because the node stops": {func(f *fakes.IPFS) { f.Fail = refused; stops(f) }, nil, time.Minute},
	} {
		fakes.Bubble(t, name, func(t *testing.T) {
			f := fakes.NewIPFS()
			c := connected(t, f)
			tt.prepare(f)
			start := time.Now()
			err := c.Pin(t.Context(), fakes.Pin(1, "x"))
			require.LessOrEqual(t, time.Since(start), tt.within)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
				return
			}
			require.NoError(t, err)
			require.Len(t, f.Pins, 1)
		})
	}
}

// mend makes requests succeed after a moment.
func mend(f *fakes.IPFS) {
	time.AfterFunc(time.Second, func() { f.Set(func(f *fakes.IPFS) { f.Fail = nil }) })
}

// stops makes the node be gone in a moment, and back some time later.
func stops(f *fakes.IPFS) {
	time.AfterFunc(recheckDelay/2, func() { f.Set(func(f *fakes.IPFS) { f.Mode = "away" }) })
	time.AfterFunc(30*time.Second, func() {
		f.Set(func(f *fakes.IPFS) { f.Mode, f.Fail, f.Breaks = "", nil, false })
	})
}

func TestPinEndsWithItsContextAndWithTheConnector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakes.NewIPFS()
		f.Mode = "away"
		c := connected(t, f)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		start := time.Now()
		require.Error(t, c.Pin(ctx, fakes.Pin(1, "x")))
		require.Equal(t, 20*time.Second, time.Since(start))

		failed := make(chan error, 1)
		go func() { failed <- c.Pin(t.Context(), fakes.Pin(1, "x")) }()
		synctest.Wait()
		require.NoError(t, c.Shutdown(t.Context()))
		require.Error(t, <-failed)
		require.Error(t, c.Pin(t.Context(), fakes.Pin(1, "x")), "after it was stopped")
	})
}

func TestQuestionsFailAtOnceWhileIPFSIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakes.NewIPFS()
		c := connected(t, f)
		_, err := c.PinLsCid(t.Context(), fakes.Pin(1, "x"))
		require.NoError(t, err)
		require.Zero(t, f.Count("id"), "nobody doubts a node that answers")

		f.Set(func(f *fakes.IPFS) { f.Mode = "frozen" })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.PinLsCid(ctx, fakes.Pin(1, "x"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		fakes.After(probeTimeout + time.Second)

		start := time.Now()
		_, err = c.PinLsCid(t.Context(), fakes.Pin(1, "x"))
		require.ErrorIs(t, err, errAway)
		_, err = c.ID(t.Context())
		require.ErrorIs(t, err, errAway)
		out := make(chan api.IPFSPinInfo)
		require.ErrorIs(t, c.PinLs(t.Context(), []string{"recursive"}, out), errAway)
		_, open := <-out
		require.False(t, open)
		require.Zero(t, time.Since(start))

		f.Set(func(f *fakes.IPFS) { f.Mode = "" })
		fakes.After(probeTimeout + maxProbeBackoff)
		_, err = c.PinLsCid(t.Context(), fakes.Pin(1, "x"))
		require.NoError(t, err)
	})
}

func TestPinLsListsEveryType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakes.NewIPFS()
		f.Pins[fakes.CID(1)] = api.IPFSPinStatusRecursive
		f.Pins[fakes.CID(2)] = api.IPFSPinStatusDirect
		c := connected(t, f)
		out := make(chan api.IPFSPinInfo, 10)
		require.NoError(t, c.PinLs(t.Context(), []string{"recursive", "direct"}, out))
		got := make(map[api.Cid]api.IPFSPinStatus)
		for info := range out {
			got[info.Cid] = info.Type
		}
		require.Equal(t, f.Pins, got)
	})
}

package wrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/stretchr/testify/require"
)

// errRefused is what an HTTP client returns when nobody listens.
var errRefused error = &url.Error{Op: "Post", Err: syscall.ECONNREFUSED}

// requestTimeout is after what time the library gives up a request.
const requestTimeout = 5 * time.Minute

// fakeIPFS is a connector whose node can be away, stopping or frozen.
type fakeIPFS struct {
	ipfscluster.IPFSConnector // what is not faked panics

	mu      sync.Mutex
	pins    map[api.Cid]api.IPFSPinStatus
	mode    string // "" is well
	fail    error  // of every request but ID
	breaks  bool   // pin requests end early, as if they had succeeded
	hangs   func(api.Pin) bool
	asked   map[string]int
	stopped bool
}

func newFakeIPFS() *fakeIPFS {
	return &fakeIPFS{pins: make(map[api.Cid]api.IPFSPinStatus), asked: make(map[string]int)}
}

func (f *fakeIPFS) set(edit func(*fakeIPFS)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit(f)
}

func (f *fakeIPFS) count(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[what]
}

// request is what is common to all requests.
func (f *fakeIPFS) request(ctx context.Context, what string) error {
	f.mu.Lock()
	f.asked[what]++
	mode, fail := f.mode, f.fail
	f.mu.Unlock()
	switch {
	case mode == "away":
		return errRefused
	case mode == "frozen":
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		<-ctx.Done()
		return ctx.Err()
	case what != "id":
		return fail
	}
	return nil
}

func (f *fakeIPFS) SetClient(*rpc.Client) {}

func (f *fakeIPFS) ID(ctx context.Context) (api.IPFSID, error) {
	return api.IPFSID{ID: other}, f.request(ctx, "id")
}

func (f *fakeIPFS) PinLsCid(ctx context.Context, p api.Pin) (api.IPFSPinStatus, error) {
	if err := f.request(ctx, "ls"); err != nil {
		return api.IPFSPinStatusError, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s, ok := f.pins[p.Cid]; ok {
		return s, nil
	}
	return api.IPFSPinStatusUnpinned, nil
}

func (f *fakeIPFS) Pin(ctx context.Context, p api.Pin) error {
	if err := f.request(ctx, "pin"); err != nil {
		return err
	}
	f.mu.Lock()
	hangs := f.hangs != nil && f.hangs(p) && f.pins[p.Cid] == 0
	f.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.breaks {
		f.pins[p.Cid] = p.Mode.ToIPFSPinStatus()
	}
	return nil
}

func (f *fakeIPFS) Unpin(ctx context.Context, c api.Cid) error {
	if err := f.request(ctx, "unpin"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.pins, c)
	return nil
}

// PinLs lists the first type only, as the library does.
func (f *fakeIPFS) PinLs(ctx context.Context, types []string, out chan<- api.IPFSPinInfo) error {
	defer close(out)
	if err := f.request(ctx, "list"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for c, s := range f.pins {
		if s.String() == types[0] {
			out <- api.IPFSPinInfo{Cid: c, Type: s}
		}
	}
	return nil
}

func (f *fakeIPFS) Shutdown(context.Context) error {
	f.set(func(f *fakeIPFS) { f.stopped = true })
	return nil
}

// connected returns a Connector around a fake.
func connected(t *testing.T, f *fakeIPFS) *Connector {
	c := NewConnector(f)
	t.Cleanup(func() {
		require.NoError(t, c.Shutdown(context.Background()))
		require.True(t, f.stopped)
	})
	return c
}

func TestReadyWithoutIPFS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIPFS()
		f.mode = "frozen"
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
		inBubble(t, mode, func(t *testing.T) {
			f := newFakeIPFS()
			f.mode = mode
			f.pins[testCID(9)] = api.IPFSPinStatusRecursive
			c := connected(t, f)
			failed := make(chan error, 102)
			for i := range 100 {
				go func() { failed <- c.Pin(t.Context(), testPin(100+i, "x")) }()
			}
			go func() { failed <- c.Unpin(t.Context(), testCID(9)) }()
			after(requestTimeout)
			go func() { failed <- c.Pin(t.Context(), testPin(200, "x")) }()
			after(requestTimeout)
			require.Empty(t, failed)
			require.LessOrEqual(t, f.count("pin"), 101, "nobody tries again meanwhile")
			require.LessOrEqual(t, f.count("id"), int(2*requestTimeout/maxProbePause)+3, "one question is for all")

			f.set(func(f *fakeIPFS) { f.mode = "" })
			for range 102 {
				require.NoError(t, <-failed)
			}
			require.Len(t, f.pins, 101)
		})
	}
}

func TestPinErrors(t *testing.T) {
	refused := errors.New("IPFS error (pin/add). Code: 500. Message: merkledag: not found")
	for name, tt := range map[string]struct {
		prepare func(*fakeIPFS)
		want    error // nil: it is pinned in the end
		within  time.Duration
	}{
		"none":                                 {func(*fakeIPFS) {}, nil, 0},
		"about the pin":                        {func(f *fakeIPFS) { f.fail = refused }, refused, secondLook},
		"it ends early":                        {func(f *fakeIPFS) { f.breaks = true }, errNotThere, secondLook},
		"no progress for too long":             {func(f *fakeIPFS) { f.fail = context.Canceled }, context.Canceled, secondLook},
		"the connection breaks all the time":   {func(f *fakeIPFS) { f.fail = io.ErrUnexpectedEOF }, io.ErrUnexpectedEOF, 10 * time.Second},
		"the connection breaks and is back":    {func(f *fakeIPFS) { f.fail = fmt.Errorf("reading: %w", io.ErrUnexpectedEOF); mend(f) }, nil, 10 * time.Second},
		"it ends early because the node stops": {func(f *fakeIPFS) { f.breaks = true; stops(f) }, nil, time.Minute},
		"requests fail because the node stops": {func(f *fakeIPFS) { f.fail = refused; stops(f) }, nil, time.Minute},
	} {
		inBubble(t, name, func(t *testing.T) {
			f := newFakeIPFS()
			c := connected(t, f)
			tt.prepare(f)
			start := time.Now()
			err := c.Pin(t.Context(), testPin(1, "x"))
			require.LessOrEqual(t, time.Since(start), tt.within)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
				return
			}
			require.NoError(t, err)
			require.Len(t, f.pins, 1)
		})
	}
}

// mend makes requests succeed after a moment.
func mend(f *fakeIPFS) {
	time.AfterFunc(time.Second, func() { f.set(func(f *fakeIPFS) { f.fail = nil }) })
}

// stops makes the node be gone in a moment, and back some time later.
func stops(f *fakeIPFS) {
	time.AfterFunc(secondLook/2, func() { f.set(func(f *fakeIPFS) { f.mode = "away" }) })
	time.AfterFunc(30*time.Second, func() {
		f.set(func(f *fakeIPFS) { f.mode, f.fail, f.breaks = "", nil, false })
	})
}

func TestPinEndsWithItsContextAndWithTheConnector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIPFS()
		f.mode = "away"
		c := connected(t, f)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		start := time.Now()
		require.Error(t, c.Pin(ctx, testPin(1, "x")))
		require.Equal(t, 20*time.Second, time.Since(start))

		failed := make(chan error, 1)
		go func() { failed <- c.Pin(t.Context(), testPin(1, "x")) }()
		synctest.Wait()
		require.NoError(t, c.Shutdown(t.Context()))
		require.Error(t, <-failed)
		require.Error(t, c.Pin(t.Context(), testPin(1, "x")), "after it was stopped")
	})
}

func TestQuestionsFailAtOnceWhileIPFSIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIPFS()
		c := connected(t, f)
		_, err := c.PinLsCid(t.Context(), testPin(1, "x"))
		require.NoError(t, err)
		require.Zero(t, f.count("id"), "nobody doubts a node that answers")

		f.set(func(f *fakeIPFS) { f.mode = "frozen" })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.PinLsCid(ctx, testPin(1, "x"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		after(probeTimeout + time.Second)

		start := time.Now()
		_, err = c.PinLsCid(t.Context(), testPin(1, "x"))
		require.ErrorIs(t, err, errAway)
		_, err = c.ID(t.Context())
		require.ErrorIs(t, err, errAway)
		out := make(chan api.IPFSPinInfo)
		require.ErrorIs(t, c.PinLs(t.Context(), []string{"recursive"}, out), errAway)
		_, open := <-out
		require.False(t, open)
		require.Zero(t, time.Since(start))

		f.set(func(f *fakeIPFS) { f.mode = "" })
		after(probeTimeout + maxProbePause)
		_, err = c.PinLsCid(t.Context(), testPin(1, "x"))
		require.NoError(t, err)
	})
}

func TestPinLsListsEveryType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIPFS()
		f.pins[testCID(1)] = api.IPFSPinStatusRecursive
		f.pins[testCID(2)] = api.IPFSPinStatusDirect
		c := connected(t, f)
		out := make(chan api.IPFSPinInfo, 10)
		require.NoError(t, c.PinLs(t.Context(), []string{"recursive", "direct"}, out))
		got := make(map[api.Cid]api.IPFSPinStatus)
		for info := range out {
			got[info.Cid] = info.Type
		}
		require.Equal(t, f.pins, got)
	})
}

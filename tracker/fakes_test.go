package tracker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// fakeTracker remembers what it is told and has the operations that a test
// gives it.
type fakeTracker struct {
	ipfscluster.PinTracker // what is not faked panics

	mu       sync.Mutex
	calls    []string
	ops      map[api.Cid]*fakeOp
	statuses map[api.Cid]api.TrackerStatus // of CIDs without an operation
	refuse   error                         // of Track and Untrack
}

type fakeOp struct {
	status   api.TrackerStatus
	attempts int
	ctx      context.Context
	cancel   context.CancelFunc
}

func newFakeTracker() *fakeTracker {
	return &fakeTracker{
		ops:      make(map[api.Cid]*fakeOp),
		statuses: make(map[api.Cid]api.TrackerStatus),
	}
}

// start gives a CID an operation.
func (f *fakeTracker) start(c api.Cid, status api.TrackerStatus) {
	f.mu.Lock()
	defer f.mu.Unlock()
	op := &fakeOp{status: status}
	op.ctx, op.cancel = context.WithCancel(context.Background())
	if status == api.TrackerStatusPinError {
		op.cancel()
	}
	f.ops[c] = op
}

// end ends a CID's operation as the library does.
func (f *fakeTracker) end(c api.Cid, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	op := f.ops[c]
	op.status = api.TrackerStatusPinError
	if ok {
		delete(f.ops, c)
		f.statuses[c] = api.TrackerStatusPinned
	}
	op.cancel()
}

// told returns the calls since the last time, sorted.
func (f *fakeTracker) told() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := slices.Sorted(slices.Values(f.calls))
	f.calls = nil
	return calls
}

func (f *fakeTracker) SetClient(*rpc.Client)          {}
func (f *fakeTracker) Shutdown(context.Context) error { return nil }

func (f *fakeTracker) Track(_ context.Context, p api.Pin) error {
	return f.tell(p.Cid, api.TrackerStatusPinQueued, "pin "+p.Name)
}

func (f *fakeTracker) Untrack(_ context.Context, c api.Cid) error {
	return f.tell(c, api.TrackerStatusUnpinQueued, "unpin")
}

func (f *fakeTracker) tell(c api.Cid, status api.TrackerStatus, call string) error {
	f.mu.Lock()
	f.calls = append(f.calls, call)
	refuse := f.refuse
	f.mu.Unlock()
	if refuse == nil {
		f.start(c, status)
	}
	return refuse
}

func (f *fakeTracker) OpContext(_ context.Context, c api.Cid) context.Context {
	f.mu.Lock()
	defer f.mu.Unlock()
	if op, ok := f.ops[c]; ok {
		return op.ctx
	}
	return nil
}

func (f *fakeTracker) Status(_ context.Context, c api.Cid) api.PinInfo {
	f.mu.Lock()
	defer f.mu.Unlock()
	if op, ok := f.ops[c]; ok {
		i := info(c, op.status)
		i.AttemptCount = op.attempts
		return i
	}
	if s, ok := f.statuses[c]; ok {
		return info(c, s)
	}
	return info(c, api.TrackerStatusUnpinned)
}

func (f *fakeTracker) StatusAll(ctx context.Context, filter api.TrackerStatus, out chan<- api.PinInfo) error {
	defer close(out)
	f.mu.Lock()
	defer f.mu.Unlock() // as the library, while it sends
	for c, op := range f.ops {
		if op.status.Match(filter) {
			out <- info(c, op.status)
		}
	}
	if filter.Match(fromIPFS) {
		panic("it takes memory for everything that is pinned")
	}
	return nil
}

func (f *fakeTracker) PinQueueSize(context.Context) (int64, error) { return 100, nil }

func info(c api.Cid, s api.TrackerStatus) api.PinInfo {
	return api.PinInfo{Cid: c, Peer: fakes.Self, PinInfoShort: api.PinInfoShort{Status: s}}
}

// fakeHolder is an IPFS node that can be frozen or away.
type fakeHolder struct {
	mu       sync.Mutex
	pins     map[api.Cid]api.IPFSPinStatus
	away     bool
	frozen   bool // when it is asked for one pin
	asked    int
	listFail error
	unlisted api.Cid // was pinned after the list was made
}

// PinLs lists all pins.
func (h *fakeHolder) PinLs(_ context.Context, _ []string, out chan<- api.IPFSPinInfo) error {
	defer close(out)
	h.mu.Lock()
	pins, fail := maps.Clone(h.pins), h.listFail
	h.mu.Unlock()
	for c, s := range pins {
		if c != h.unlisted {
			out <- api.IPFSPinInfo{Cid: c, Type: s}
		}
	}
	return fail
}

func (h *fakeHolder) set(f func(*fakeHolder)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h)
}

func (h *fakeHolder) questions() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

func (h *fakeHolder) PinLsCid(ctx context.Context, p api.Pin) (api.IPFSPinStatus, error) {
	h.mu.Lock()
	h.asked++
	status, ok := h.pins[p.Cid]
	away, frozen := h.away, h.frozen
	h.mu.Unlock()
	if frozen {
		<-ctx.Done()
		return api.IPFSPinStatusError, ctx.Err()
	}
	switch {
	case away:
		return api.IPFSPinStatusError, errors.New("away")
	case !ok:
		return api.IPFSPinStatusUnpinned, nil
	}
	return status, nil
}

// bench is a Tracker among fakes.
type bench struct {
	*Tracker
	t     *testing.T
	inner *fakeTracker
	state *fakes.State
	ipfs  *fakeHolder
}

// newBench returns a running bench. Its IPFS node has pinned the given pins,
// which are in the state.
func newBench(t *testing.T, pins ...api.Pin) *bench {
	b := newIdleBench(t, pins...)
	b.SetClient(nil)
	return b
}

// newIdleBench returns a bench whose workers do not begin: what is noted stays noted.
func newIdleBench(t *testing.T, pins ...api.Pin) *bench {
	b := &bench{
		t: t, inner: newFakeTracker(), state: fakes.NewState(pins...),
		ipfs: &fakeHolder{pins: make(map[api.Cid]api.IPFSPinStatus)},
	}
	for _, p := range pins {
		b.ipfs.pins[p.Cid] = api.IPFSPinStatusRecursive
		b.inner.statuses[p.Cid] = api.TrackerStatusPinned
	}
	b.Tracker = New(b.inner, Options{
		Peer: fakes.Self, Peername: "me", State: b.state.Local, IPFS: b.ipfs,
		Places: PlaceOptions{Concurrent: 1000},
	})
	t.Cleanup(func() { require.NoError(t, b.Shutdown(context.Background())) })
	return b
}

// track stores a pin, and untrack removes one, as a commit does.
func (b *bench) track(p api.Pin)   { b.Observe(b.state.Changed(p.Cid, func() { b.state.Put(p) })) }
func (b *bench) untrack(c api.Cid) { b.Observe(b.state.Changed(c, func() { b.state.Rm(c) })) }

// list returns what StatusAll sends, as "number status" for the CIDs 0 to 9.
func (b *bench) list(filter api.TrackerStatus) ([]string, error) {
	names := make(map[api.Cid]int)
	for i := range 10 {
		names[fakes.CID(i)] = i
	}
	out := make(chan api.PinInfo, 100)
	err := b.StatusAll(b.t.Context(), filter, out)
	var list []string
	for info := range out {
		list = append(list, fmt.Sprint(names[info.Cid], " ", info.Status))
	}
	slices.Sort(list)
	return list, err
}

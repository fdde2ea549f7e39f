package crdt

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs/go-datastore"
	"github.com/stretchr/testify/require"
)

// fakeCRDT is a CRDT consensus with a state that a test looks into.
type fakeCRDT struct {
	Batching
	ready  chan struct{}
	batch  *fakeBatch
	store  *fakeStore
	logged []string // without batching
	shut   bool
}

func (f *fakeCRDT) Shutdown(context.Context) error { f.shut = true; return nil }

func (f *fakeCRDT) Batched(ctx context.Context) (state.BatchingState, error) {
	select {
	case <-f.ready:
		return f.batch, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *fakeCRDT) LogPin(_ context.Context, p api.Pin) error {
	f.logged = append(f.logged, "+"+p.Name)
	return nil
}

func (f *fakeCRDT) LogUnpin(_ context.Context, p api.Pin) error {
	f.logged = append(f.logged, "-"+p.Cid.String())
	return nil
}

// fakeBatch notes what is in each commit. While it is held, a commit waits for
// the test to let it go.
type fakeBatch struct {
	state.BatchingState
	pending []string
	fail    error
	held    chan struct{}

	mu      sync.Mutex
	commits [][]string
}

var errBadPin = errors.New("bad pin")

func (b *fakeBatch) Add(_ context.Context, p api.Pin) error {
	if p.Name == "bad" {
		return errBadPin
	}
	b.pending = append(b.pending, "+"+p.Name)
	return nil
}

func (b *fakeBatch) Rm(_ context.Context, c api.Cid) error {
	b.pending = append(b.pending, "-"+c.String())
	return nil
}

func (b *fakeBatch) Commit(context.Context) error {
	if b.held != nil {
		<-b.held
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commits = append(b.commits, b.pending)
	b.pending = nil
	return b.fail
}

// fakeStore counts syncs, and what had been committed at the last one. While it
// is held, a sync waits for the test to let it go.
type fakeStore struct {
	datastore.Datastore
	batch *fakeBatch
	fail  error
	held  chan struct{}

	mu     sync.Mutex
	syncs  int
	synced []int // sizes of the commits
}

func (s *fakeStore) Sync(context.Context, datastore.Key) error {
	if s.held != nil {
		<-s.held
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.syncs++
	s.synced = s.batch.sizes()
	return s.fail
}

func (b *fakeBatch) sizes() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	var sizes []int
	for _, c := range b.commits {
		sizes = append(sizes, len(c))
	}
	return sizes
}

func named(name string) api.Pin { return api.Pin{PinOptions: api.PinOptions{Name: name}} }

// logPins writes pins at the same time, and returns how to wait for the answers.
func logPins(t *testing.T, g *Grouped, names ...string) (wait func()) {
	t.Helper()
	var wg sync.WaitGroup
	for _, name := range names {
		wg.Go(func() {
			if err := g.LogPin(t.Context(), named(name)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	return wg.Wait
}

// inBubble runs a test with a clock of its own, where synctest.Wait returns
// when everybody waits for somebody else.
func inBubble(t *testing.T, size int, age time.Duration, test func(*testing.T, *Grouped, *fakeCRDT)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeCRDT{ready: make(chan struct{}, 1), batch: &fakeBatch{}}
		f.store = &fakeStore{batch: f.batch}
		g := NewGrouped(f, crdt.BatchingConfig{MaxBatchSize: size, MaxBatchAge: age}, f.store)
		defer func() { require.NoError(t, g.Shutdown(t.Context())) }()
		test(t, g, f)
	})
}

func TestGroupWaitsForTheState(t *testing.T) {
	inBubble(t, 10, time.Hour, func(t *testing.T, g *Grouped, f *fakeCRDT) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := g.State(ctx)
		require.ErrorIs(t, err, context.Canceled)
		f.ready <- struct{}{}
		<-g.Ready(t.Context())
		st, err := g.State(t.Context())
		require.NoError(t, err)
		require.Same(t, f.batch, st, "reads see what is committed")
	})
}

// TestGroupSingleWriter: a write that is alone does not wait for others.
func TestGroupSingleWriter(t *testing.T) {
	inBubble(t, 10, time.Hour, func(t *testing.T, g *Grouped, f *fakeCRDT) {
		f.ready <- struct{}{}
		start := time.Now()
		for range 3 {
			logPins(t, g, "a")()
		}
		require.NoError(t, g.LogUnpin(t.Context(), named("a")))
		require.Equal(t, []int{1, 1, 1, 1}, f.batch.sizes())
		require.Zero(t, time.Since(start))
	})
}

// TestGroupIsOnDisk: a write is answered when its commit was synced, and not
// answered well when that failed.
func TestGroupIsOnDisk(t *testing.T) {
	inBubble(t, 10, time.Hour, func(t *testing.T, g *Grouped, f *fakeCRDT) {
		f.ready <- struct{}{}
		logPins(t, g, "a")()
		require.Equal(t, []int{1}, f.store.synced)
		require.NoError(t, g.LogUnpin(t.Context(), named("a")))
		require.Equal(t, []int{1, 1}, f.store.synced)
		f.store.fail = errors.New("no space left on device")
		require.ErrorIs(t, g.LogPin(t.Context(), named("b")), f.store.fail)
	})
}

// TestGroupManyWriters: what comes during a commit is in the next one,
// together with what comes from those who were just answered.
func TestGroupManyWriters(t *testing.T) {
	inBubble(t, 100, time.Hour, func(t *testing.T, g *Grouped, f *fakeCRDT) {
		f.batch.held = make(chan struct{})
		f.ready <- struct{}{}
		first := logPins(t, g, "first")
		synctest.Wait()
		others := logPins(t, g, "a", "b", "c", "d")
		synctest.Wait()
		f.batch.held <- struct{}{}
		first()
		synctest.Wait()
		again := logPins(t, g, "first again")
		f.batch.held <- struct{}{}
		others()
		again()
		require.Equal(t, []int{1, 5}, f.batch.sizes())
		require.Equal(t, 2, f.store.syncs, "one for all writes of a commit")
	})
}

// TestGroupSlowDisk: the slower the disk, the fewer commits there are.
func TestGroupSlowDisk(t *testing.T) {
	inBubble(t, 100, time.Hour, func(t *testing.T, g *Grouped, f *fakeCRDT) {
		f.store.held = make(chan struct{})
		f.ready <- struct{}{}
		first := logPins(t, g, "first")
		synctest.Wait()
		second, third := logPins(t, g, "second"), logPins(t, g, "third")
		synctest.Wait()
		require.Equal(t, []int{1}, f.batch.sizes())
		close(f.store.held)
		first()
		again := logPins(t, g, "first again")
		second()
		third()
		again()
		require.Equal(t, []int{1, 3}, f.batch.sizes())
	})
}

// TestGroupAge: a writer that does not come back holds up others once, for as
// long as a batch may get old.
func TestGroupAge(t *testing.T) {
	const age = 50 * time.Millisecond
	inBubble(t, 100, age, func(t *testing.T, g *Grouped, f *fakeCRDT) {
		f.batch.held = make(chan struct{})
		f.ready <- struct{}{}
		first := logPins(t, g, "first")
		synctest.Wait()
		others := logPins(t, g, "a", "b")
		synctest.Wait()
		f.batch.held <- struct{}{}
		first()
		start := time.Now()
		close(f.batch.held)
		others()
		require.Equal(t, age, time.Since(start))
		logPins(t, g, "a", "b")()
		require.Equal(t, age, time.Since(start), "they are two now, and wait for nobody")
		require.Equal(t, []int{1, 2, 2}, f.batch.sizes())
	})
}

func TestGroupSize(t *testing.T) {
	inBubble(t, 3, time.Hour, func(t *testing.T, g *Grouped, f *fakeCRDT) {
		f.batch.held = make(chan struct{})
		f.ready <- struct{}{}
		first := logPins(t, g, "a")
		synctest.Wait()
		others := logPins(t, g, "b", "c", "d", "e", "f", "g")
		synctest.Wait()
		close(f.batch.held)
		first()
		others()
		require.Equal(t, []int{1, 3, 3}, f.batch.sizes())
	})
}

func TestGroupErrors(t *testing.T) {
	inBubble(t, 10, time.Hour, func(t *testing.T, g *Grouped, f *fakeCRDT) {
		f.batch.held = make(chan struct{})
		f.ready <- struct{}{}
		first := logPins(t, g, "first")
		synctest.Wait()
		bad := make(chan error, 1)
		go func() { bad <- g.LogPin(t.Context(), named("bad")) }()
		good := logPins(t, g, "good")
		synctest.Wait()
		close(f.batch.held)
		first()
		good()
		require.ErrorIs(t, <-bad, errBadPin, "and the other one in its commit is not affected")

		f.batch.fail = errors.New("disk full")
		require.ErrorContains(t, g.LogPin(t.Context(), named("a")), "disk full")
		require.ErrorContains(t, g.LogUnpin(t.Context(), named("a")), "disk full")
	})
}

// TestGroupShutdown: writes that were taken are committed, later ones refused.
func TestGroupShutdown(t *testing.T) {
	inBubble(t, 100, time.Hour, func(t *testing.T, g *Grouped, f *fakeCRDT) {
		f.batch.held = make(chan struct{})
		f.ready <- struct{}{}
		wait := logPins(t, g, "a")
		synctest.Wait()
		down := make(chan error, 1)
		go func() { down <- g.Shutdown(t.Context()) }()
		synctest.Wait()
		require.False(t, f.shut)
		require.ErrorIs(t, g.LogPin(t.Context(), named("b")), errStopping)
		close(f.batch.held)
		wait()
		require.NoError(t, <-down)
		require.True(t, f.shut)
		require.Equal(t, []int{1}, f.batch.sizes())
	})
}

func TestGroupShutdownBeforeReady(t *testing.T) {
	inBubble(t, 100, time.Hour, func(t *testing.T, g *Grouped, f *fakeCRDT) {
		require.NoError(t, g.Shutdown(t.Context()))
		require.True(t, f.shut)
		_, err := g.State(t.Context())
		require.ErrorIs(t, err, errStopping)
	})
}

func TestGroupDisabled(t *testing.T) {
	for _, c := range []struct {
		size int
		age  time.Duration
	}{{0, 0}, {100, 0}, {0, time.Second}} {
		inBubble(t, c.size, c.age, func(t *testing.T, g *Grouped, f *fakeCRDT) {
			f.ready <- struct{}{}
			logPins(t, g, "a")()
			require.NoError(t, g.LogUnpin(t.Context(), named("b")))
			require.Equal(t, []string{"+a", "-" + api.CidUndef.String()}, f.logged)
			st, err := g.State(t.Context())
			require.NoError(t, err)
			require.Same(t, f.batch, st)
			require.Empty(t, f.batch.sizes())
		})
	}
}

package embedded

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/boxo/exchange"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"
)

func TestWindow(t *testing.T) {
	small, large := Fetch{Blocks: 10, Bytes: 1000}, Fetch{Blocks: 10, Bytes: 10 << 20}
	w := window{max: 200}
	require.Equal(t, leastWants, w.size(Fetch{}, 1))
	fast, slow := time.Now(), time.Now().Add(-time.Minute)
	w.arrived(fast)
	before := w.size(small, 1)
	w.arrived(fast)
	require.Equal(t, before+1, w.size(small, 1))
	for range 300 {
		w.arrived(fast)
	}
	require.Equal(t, 200, w.size(small, 1), "the limit")
	medium := Fetch{Blocks: 10, Bytes: 10 * (256<<10 - 1)}
	require.Equal(t, 128, w.size(medium, 1), "32 MiB")
	require.Equal(t, 64, w.size(medium, 4), "a quarter of 64 MiB")
	require.Equal(t, leastWants, w.size(medium, 100))
	require.Equal(t, leastWants, w.size(large, 1))
	w.arrived(slow)
	require.Equal(t, 100, w.size(small, 1), "half of it after a slow one")
	w.arrived(slow)
	require.Equal(t, 100, w.size(small, 1), "asked for before it was halved")
	require.Equal(t, leastWants, (&window{max: 64}).size(small, 1))
}

// forgetful is an exchange whose first sessions answer nothing.
type forgetful struct {
	exchange.Interface
	mu       sync.Mutex
	sessions int
	useless  int
	have     map[cid.Cid]blocks.Block
}

func (f *forgetful) NewSession(context.Context) exchange.Fetcher {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions++
	return &forgetfulSession{forgetful: f, useless: f.sessions <= f.useless}
}

type forgetfulSession struct {
	*forgetful
	useless bool
}

func (s *forgetfulSession) GetBlocks(_ context.Context, cids []cid.Cid) (<-chan blocks.Block, error) {
	out := make(chan blocks.Block, 2*len(cids))
	for _, c := range cids {
		if !s.useless {
			out <- s.have[c]
			out <- s.have[c] // a second copy changes nothing
		}
	}
	if !s.useless {
		close(out)
	}
	return out, nil
}

func fetcherOf(n *Node, ex exchange.SessionExchange, root cid.Cid, depth int) *fetcher {
	job := n.jobs.add(root, depth, func(error) {})
	return &fetcher{
		job:      job,
		store:    n.store,
		put:      n.store.PutMany,
		exchange: ex,
		window:   window{max: 64},
		pins:     n.jobs.count,
		patience: 10 * time.Millisecond,
	}
}

func TestFetchAsksAgain(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	d := wide("asks again", 300, 50, 20)
	ex := &forgetful{useless: 2, have: make(map[cid.Cid]blocks.Block)}
	for _, b := range d {
		ex.have[b.Cid()] = b
	}
	seen := make(map[cid.Cid]int)
	f := fetcherOf(n, ex, d.root(), recursive)
	f.onBlock = func(c cid.Cid) { seen[c]++ }
	require.NoError(t, f.run(t.Context()))
	require.GreaterOrEqual(t, ex.sessions, 3)
	requireHas(t, n, d...)
	require.Len(t, seen, len(d))
	for c, times := range seen {
		require.Equal(t, 1, times, c)
	}
	require.Equal(t, Fetch{Cid: d.root(), Blocks: uint64(len(d)), Bytes: d.size(), Started: f.job.started}, f.job.state())
}

// A node that is met deep first and then near the root is followed far enough,
// and counted once.
func TestFetchOfDiamond(t *testing.T) {
	t.Parallel()
	bottom := rawBlock("bottom", 10)
	shared := pbNode(cid.V0Builder{}, []byte("shared"), bottom)
	deep := pbNode(cid.V0Builder{}, []byte("deep"), shared)
	d := dag{pbNode(cid.V0Builder{}, []byte("top"), deep, shared), deep, shared, bottom}
	ex := &forgetful{have: make(map[cid.Cid]blocks.Block)}
	for _, b := range d {
		ex.have[b.Cid()] = b
	}
	for depth, want := range map[int]int{0: 1, 1: 3, 2: 4, -1: 4} {
		n := startNode(t)
		f := fetcherOf(n, ex, d.root(), depth)
		require.NoError(t, f.run(t.Context()))
		require.Equal(t, uint64(want), f.job.state().Blocks, "depth %d", depth)
		requireHas(t, n, d[:want]...)
	}
}

func TestFetchFailsToWrite(t *testing.T) {
	n := startNode(t)
	d := wide("write fails", 300, 50, 20)
	ex := &forgetful{have: make(map[cid.Cid]blocks.Block)}
	for _, b := range d {
		ex.have[b.Cid()] = b
	}
	f := fetcherOf(n, ex, d.root(), recursive)
	broken := errors.New("disk broken")
	f.put = func(context.Context, []blocks.Block) error { return broken }
	require.ErrorIs(t, f.run(t.Context()), broken)
}

func TestKeyLock(t *testing.T) {
	l := newKeyLock()
	a, b := rawBlock("a", 1).Cid(), rawBlock("b", 1).Cid()
	unlockA, err := l.lock(t.Context(), a)
	require.NoError(t, err)
	unlockB, err := l.lock(t.Context(), b)
	require.NoError(t, err)
	_, ok := l.try(a)
	require.False(t, ok)
	unlockB()
	unlockB, ok = l.try(b)
	require.True(t, ok)
	unlockB()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = l.lock(ctx, a)
	require.ErrorIs(t, err, context.Canceled)
	unlockA()
	require.Empty(t, l.locks)

	var group sync.WaitGroup
	held, total := 0, 0
	for i := range 20 {
		group.Go(func() {
			unlock, err := l.lock(context.Background(), a)
			require.NoError(t, err)
			held++
			require.Equal(t, 1, held, fmt.Sprint(i))
			total++
			held--
			unlock()
		})
	}
	group.Wait()
	require.Equal(t, 20, total)
	require.Empty(t, l.locks)
}

package crdt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs/go-datastore"
	"github.com/stretchr/testify/require"
)

var errCut = errors.New("the process has ended")

// cut is a datastore that accepts some writes and then none: it has what is left
// when the process is killed there.
type cut struct {
	datastore.Batching

	mu   sync.Mutex
	left int    // writes; negative: no limit
	kill func() // is called by the first write that is too much; may be nil
	hit  chan struct{}
}

func newCut(store datastore.Datastore) *cut {
	return &cut{Batching: store.(datastore.Batching), left: -1, hit: make(chan struct{})}
}

// after lets n more writes pass.
func (c *cut) after(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = n
}

func (c *cut) write(f func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == 0 {
		select {
		case <-c.hit:
		default:
			close(c.hit)
			if c.kill != nil {
				c.kill()
			}
		}
		return errCut
	}
	c.left--
	return f()
}

func (c *cut) wasHit() bool {
	select {
	case <-c.hit:
		return true
	default:
		return false
	}
}

// Put does not count the record of walks, which a replica writes when it likes:
// after n writes the commit is always in the same state.
func (c *cut) Put(ctx context.Context, k datastore.Key, v []byte) error {
	if k == recordKey(testNamespace) && !c.wasHit() {
		return c.Batching.Put(ctx, k, v)
	}
	return c.write(func() error { return c.Batching.Put(ctx, k, v) })
}

func (c *cut) Delete(ctx context.Context, k datastore.Key) error {
	return c.write(func() error { return c.Batching.Delete(ctx, k) })
}

func (c *cut) Batch(ctx context.Context) (datastore.Batch, error) {
	b, err := c.Batching.Batch(ctx)
	return cutBatch{b, c}, err
}

type cutBatch struct {
	datastore.Batch
	cut *cut
}

func (b cutBatch) Commit(ctx context.Context) error {
	return b.cut.write(func() error { return b.Batch.Commit(ctx) })
}

// write is a change, or several in one commit.
type write struct {
	add    map[int]string // names of pins by number
	remove []int
}

func (w write) to(t *testing.T, r *rig) error {
	t.Helper()
	batch, err := r.Consensus.(*Replica).Batched(t.Context())
	require.NoError(t, err)
	for _, i := range w.remove {
		if err := batch.Rm(t.Context(), testCID(i)); err != nil {
			return err
		}
	}
	for i, name := range w.add {
		if err := batch.Add(t.Context(), api.PinWithOpts(testCID(i), api.PinOptions{Name: name})); err != nil {
			return err
		}
	}
	return batch.Commit(t.Context())
}

// state returns all pins with their names, sorted.
func (r *rig) pinset() []string {
	st, err := r.State(r.t.Context())
	require.NoError(r.t, err)
	pins := make(chan api.Pin, 1024)
	go st.List(r.t.Context(), pins)
	var all []string
	for p := range pins {
		all = append(all, p.Cid.String()+" "+p.Name)
	}
	slices.Sort(all)
	return all
}

// synced waits until every peer has applied the heads of all, and nothing is under
// way. Their heads may differ: one may also have a head below another one, until
// it commits something.
func synced(t *testing.T, peers ...*rig) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, p := range peers {
			if len(p.Consensus.(*Replica).journal.open()) > 0 {
				return false
			}
			for _, head := range p.Consensus.(*Replica).heads(t.Context()) {
				for _, other := range peers {
					applied, err := other.Consensus.(*Replica).journal.isApplied(t.Context(), head)
					if err != nil || !applied {
						return false
					}
				}
			}
		}
		return true
	}, patient, 5*time.Millisecond, "a peer has not applied what another one has")
}

// agree requires the peers to have the same pinset, now and when one of them has
// removed everything: values that only one peer knows of would stay there.
func agree(t *testing.T, peers ...*rig) (pins []string) {
	t.Helper()
	for i, p := range peers[1:] {
		p.connect(peers[0])
		require.NoError(t, write{add: map[int]string{1000 + i: "mark"}}.to(t, p))
	}
	require.NoError(t, write{add: map[int]string{999: "mark"}}.to(t, peers[0]))
	synced(t, peers...)
	pins = peers[0].pinset()
	for _, p := range peers[1:] {
		require.Equal(t, pins, p.pinset())
	}
	last := peers[len(peers)-1]
	var all write
	for i := range 1100 {
		if slices.ContainsFunc(pins, func(p string) bool { return strings.HasPrefix(p, testCID(i).String()+" ") }) {
			all.remove = append(all.remove, i)
		}
	}
	require.NoError(t, all.to(t, last))
	synced(t, peers...)
	for _, p := range peers {
		require.Empty(t, p.pinset(), "a pin that the others do not know of has stayed")
	}
	return slices.DeleteFunc(pins, func(p string) bool { return strings.HasSuffix(p, " mark") })
}

// before is what all peers have when one is killed.
var before = []write{{add: map[int]string{1: "one", 2: "two", 3: "three"}}, {add: map[int]string{4: "four"}}}

var kills = map[string]struct {
	first bool // there is nothing before
	fork  bool // the peer has two heads
	write write
}{
	"the first pin":  {first: true, write: write{add: map[int]string{1: "first"}}},
	"a pin":          {write: write{add: map[int]string{5: "five"}}},
	"an update":      {write: write{add: map[int]string{1: "changed"}}},
	"a removal":      {write: write{remove: []int{2}}},
	"all in one":     {write: write{add: map[int]string{1: "changed", 5: "five", 6: "six"}, remove: []int{2, 4}}},
	"two heads":      {fork: true, write: write{add: map[int]string{1: "changed", 5: "five"}, remove: []int{2}}},
	"a second value": {fork: true, write: write{remove: []int{1, 11}}},
}

// TestKilledInACommit: a peer is killed after each single write of a commit.
// When it is back, all peers agree on every pin, and the commit has happened
// wholly or not at all.
func TestKilledInACommit(t *testing.T) {
	t.Parallel()
	for name, k := range kills {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := newRig(t, rigOptions{})
			if !k.first {
				for _, w := range before {
					require.NoError(t, w.to(t, base))
				}
			}
			if k.fork { // written by another peer that was alone
				other := newRig(t, rigOptions{store: copyStore(t, base.store), every: 50 * time.Millisecond})
				require.NoError(t, write{add: map[int]string{10: "ten"}}.to(t, base))
				require.NoError(t, write{add: map[int]string{1: "other", 11: "eleven"}}.to(t, other))
				other.connect(base)
				require.Eventually(t, func() bool { return len(base.Consensus.(*Replica).heads(t.Context())) == 2 }, patient, time.Millisecond)
				synced(t, base, other)
				require.NoError(t, other.Shutdown(t.Context()))
			}
			store := copyStore(t, base.store)
			old := base.pinset()
			require.NoError(t, base.Shutdown(t.Context()))
			outcomes := map[bool]int{}
			for n, done := 0, false; !done; n++ {
				require.Less(t, n, 50)
				done = killInACommit(t, n, store, k.write, old, outcomes)
			}
			require.NotZero(t, outcomes[true])
			require.NotZero(t, outcomes[false])
		})
	}
}

// killInACommit kills a peer after n writes and reports whether the commit was
// whole before.
func killInACommit(t *testing.T, n int, base datastore.Datastore, w write, old []string, outcomes map[bool]int) bool {
	c := newCut(copyStore(t, base))
	victim := newRig(t, rigOptions{store: c, walked: true})
	c.after(n)
	err := w.to(t, victim)
	hit := c.wasHit()
	if !hit {
		require.NoError(t, err)
	}
	left := copyStore(t, c.Batching)
	victim.Shutdown(t.Context())

	again := newRig(t, rigOptions{store: left, every: 50 * time.Millisecond, walked: true})
	other := newRig(t, rigOptions{store: copyStore(t, base), every: 50 * time.Millisecond, walked: true})
	pins := agree(t, again, other)
	happened := !slices.Equal(old, pins)
	outcomes[happened]++
	if happened {
		require.Equal(t, w.on(old), pins, "after %d writes", n)
	} else {
		require.True(t, hit, "a commit that was answered is lost")
	}
	return !hit
}

// on returns a pinset after a write.
func (w write) on(pins []string) []string {
	after := map[string]string{}
	for _, p := range pins {
		c, name, _ := strings.Cut(p, " ")
		after[c] = name
	}
	for _, i := range w.remove {
		delete(after, testCID(i).String())
	}
	for i, name := range w.add {
		after[testCID(i).String()] = name
	}
	var all []string
	for c, name := range after {
		all = append(all, c+" "+name)
	}
	slices.Sort(all)
	return all
}

// TestKilledWhileApplying: a peer is killed after each single write while it
// applies the changes of another one, and that one is lost. The peer and a third
// one, which has heard nothing, agree.
func TestKilledWhileApplying(t *testing.T) {
	t.Parallel()
	base := newRig(t, rigOptions{})
	for _, w := range before {
		require.NoError(t, w.to(t, base))
	}
	store := copyStore(t, base.store)
	for _, w := range []write{
		{add: map[int]string{1: "changed", 5: "five"}, remove: []int{2}},
		{remove: []int{5, 3}},
		{add: map[int]string{6: "six"}},
	} {
		require.NoError(t, w.to(t, base))
	}
	writer := copyStore(t, base.store)
	require.NoError(t, base.Shutdown(t.Context()))
	for _, from := range []datastore.Datastore{store, inmem.New()} {
		for n, done := 0, false; !done; n++ {
			require.Less(t, n, 100)
			done = killWhileApplying(t, n, from, writer)
		}
	}
}

func killWhileApplying(t *testing.T, n int, base, writer datastore.Datastore) bool {
	c := newCut(copyStore(t, base))
	victim := newRig(t, rigOptions{store: c, walked: true})
	source := newRig(t, rigOptions{store: copyStore(t, writer), walked: true})
	want := source.pinset()
	c.after(n)
	victim.connect(source)
	require.Eventually(t, func() bool {
		return c.wasHit() || slices.Equal(want, victim.pinset()) && len(victim.Consensus.(*Replica).journal.open()) == 0
	}, patient, time.Millisecond)
	hit := c.wasHit()
	left := copyStore(t, c.Batching)
	victim.Shutdown(t.Context())
	source.Shutdown(t.Context())

	again := newRig(t, rigOptions{store: left, every: 50 * time.Millisecond, walked: true})
	other := newRig(t, rigOptions{store: copyStore(t, base), every: 50 * time.Millisecond, walked: true})
	agree(t, again, other)
	return !hit
}

// TestFailedCommit: when the datastore fails in the middle of a commit and goes
// on later, the peers agree without a restart.
func TestFailedCommit(t *testing.T) {
	t.Parallel()
	for n := range 5 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			c := newCut(inmem.New())
			r := newRig(t, rigOptions{store: c, every: 50 * time.Millisecond, stuckAfter: 100 * time.Millisecond})
			other := newRig(t, rigOptions{every: 50 * time.Millisecond})
			require.NoError(t, before[0].to(t, r))
			c.after(n)
			require.Error(t, write{add: map[int]string{5: "five"}, remove: []int{1}}.to(t, r))
			c.after(-1)
			agree(t, r, other)
		})
	}
}

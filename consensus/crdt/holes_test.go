package crdt

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/boxo/datastore/dshelp"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	"github.com/stretchr/testify/require"
)

var testNamespace = datastore.NewKey("/c")

// walked waits until a peer has walked its DAG and returns the result.
func (r *rig) walked(until func(Report) bool) (last Report) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		rec, err := loadRecord(context.Background(), memoryOf(r.store), testNamespace)
		require.NoError(r.t, err)
		last = rec.Report
		return !last.Ended.IsZero() && until(last)
	}, patient, 5*time.Millisecond, "the DAG is not walked")
	return last
}

// keysWith returns the keys of a store that contain a text.
func keysWith(t *testing.T, store datastore.Datastore, text string) (keys []datastore.Key) {
	t.Helper()
	found, err := store.Query(t.Context(), query.Query{KeysOnly: true})
	require.NoError(t, err)
	all, err := found.Rest()
	require.NoError(t, err)
	for _, e := range all {
		if strings.Contains(e.Key, text) {
			keys = append(keys, datastore.NewKey(e.Key))
		}
	}
	return keys
}

// chainOf returns the nodes of a peer that wrote them one after the other, newest
// first. A node may also link to an older one than the last: a head can stay
// beside the one that replaces it until the next commit.
func (r *rig) chainOf() (chain []cid.Cid) {
	ours := r.Consensus.(*Replica)
	heights := make(map[cid.Cid]int)
	var height func([]cid.Cid) int
	height = func(nodes []cid.Cid) (highest int) {
		for _, c := range nodes {
			if heights[c] == 0 {
				block, err := ours.dag.BlockStore().Get(r.t.Context(), c)
				require.NoError(r.t, err)
				below, err := linksOf(block.RawData())
				require.NoError(r.t, err)
				heights[c] = 1 + height(below)
			}
			highest = max(highest, heights[c])
		}
		return highest
	}
	height(ours.heads(r.t.Context()))
	return slices.SortedFunc(maps.Keys(heights), func(a, b cid.Cid) int { return heights[b] - heights[a] })
}

// TestHoles: a peer takes over a store that lacks nodes, or only the changes of
// some, below its heads. It gets them from another peer and says so.
func TestHoles(t *testing.T) {
	t.Parallel()
	const pins = 30
	for name, c := range map[string]struct {
		lacks         []int // nodes, the newest is 0
		block, values bool  // what of them
		dirty         bool  // go-ds-crdt has noticed
	}{
		"one node":                   {lacks: []int{5}, block: true, values: true},
		"many nodes":                 {lacks: []int{3, 4, 5, 6, 9, 20, 28}, block: true, values: true},
		"the oldest":                 {lacks: []int{pins - 1}, block: true, values: true},
		"blocks of applied nodes":    {lacks: []int{2, 7}, block: true},
		"nodes that are not applied": {lacks: []int{2, 7, 8}, values: true},
		"a dirty store":              {lacks: []int{5}, block: true, values: true, dirty: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			writer := newRig(t, rigOptions{walked: true, every: 50 * time.Millisecond})
			names := writer.pin(0, pins)
			chain := writer.chainOf()
			require.Len(t, chain, pins)
			store := copyStore(t, writer.store)
			for _, i := range c.lacks {
				node := nameOf(chain[i])
				for _, k := range keysWith(t, store, node) {
					if block := strings.Contains(k.String(), "/blocks/"); block && c.block || !block && c.values {
						require.NoError(t, store.Delete(t.Context(), k))
					}
				}
				if !c.values {
					continue
				}
				pin := dshelp.NewKeyFromBinary(testCID(pins - 1 - i).Bytes()).String()
				for _, k := range keysWith(t, store, pin) {
					require.NoError(t, store.Delete(t.Context(), k))
				}
			}
			o := rigOptions{store: store, every: 50 * time.Millisecond}
			if c.dirty {
				require.NoError(t, store.Put(t.Context(), testNamespace.ChildString(dirtyKey), nil))
				o.walked = true
			}
			r := newRig(t, o)
			alone := r.walked(func(Report) bool { return true })
			if c.block {
				require.NotZero(t, alone.Missing)
				require.False(t, alone.Whole())
				require.NotEmpty(t, alone.Examples)
			}
			r.connect(writer)
			found := r.walked(Report.Whole)
			r.gets(names, patient)
			require.Equal(t, pins, found.Nodes)
			dirty, err := r.Consensus.(*Replica).journal.isDirty(t.Context())
			require.NoError(t, err)
			require.False(t, dirty)
			for _, node := range chain {
				has, err := r.Consensus.(*Replica).dag.BlockStore().Has(t.Context(), node)
				require.NoError(t, err)
				require.True(t, has)
			}
			agree(t, r, writer)
		})
	}
}

// TestTakeover: a store that another program without a journal was killed with,
// at each single write of a commit. After the walk all peers agree.
func TestTakeover(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"an update", "a removal", "all in one", "the first pin"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := kills[name]
			base := newRig(t, rigOptions{walked: true})
			if !k.first {
				for _, w := range before {
					require.NoError(t, w.to(t, base))
				}
			}
			store := copyStore(t, base.store)
			adopted := 0
			for n, done := 0, false; !done; n++ {
				c := newCut(copyStore(t, store))
				victim := newRig(t, rigOptions{store: c, walked: true})
				c.after(n)
				k.write.to(t, victim)
				done = !c.wasHit()
				left := copyStore(t, c.Batching)
				victim.Shutdown(t.Context())
				for _, k := range keysWith(t, left, "/"+ownKey+"/") {
					require.NoError(t, left.Delete(t.Context(), k))
				}
				again := newRig(t, rigOptions{store: left, every: 50 * time.Millisecond})
				adopted += again.walked(Report.Whole).Adopted
				other := newRig(t, rigOptions{store: copyStore(t, store), every: 50 * time.Millisecond, walked: true})
				agree(t, again, other)
			}
			require.NotZero(t, adopted)
		})
	}
}

// TestOnlyOnce: the DAG is not walked again while nobody else opens the store.
func TestOnlyOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	r.pin(0, 5)
	require.NoError(t, r.Shutdown(t.Context()))
	for i, step := range []struct {
		Generation
		walk bool
	}{
		{Generation{"", "1"}, true}, {Generation{"1", "2"}, false}, {Generation{"2", "3"}, false},
		{Generation{"4", "5"}, true}, {Generation{"5", "6"}, false}, {Generation{}, true},
	} {
		rec, err := loadRecord(t.Context(), r.store, testNamespace)
		require.NoError(t, err)
		require.Equal(t, step.walk, !rec.trusted(step.Generation), i)
		last, due, err := LastWalk(t.Context(), copyStore(t, r.store), testNamespace, step.Generation)
		require.NoError(t, err)
		require.Equal(t, step.walk, due)
		require.Equal(t, rec.Report, last)
		rec.Report.Ended = time.Time{}
		require.NoError(t, rec.save(t.Context(), r.store, testNamespace))
		r = newRig(t, rigOptions{store: r.store, generation: step.Generation})
		if step.walk {
			r.walked(Report.Whole)
		} else {
			require.Eventually(t, func() bool {
				rec, err := loadRecord(t.Context(), r.store, testNamespace)
				return err == nil && rec.Generation == step.Now
			}, patient, time.Millisecond)
		}
		rec, err = loadRecord(t.Context(), r.store, testNamespace)
		require.NoError(t, err)
		require.Equal(t, !step.walk, rec.Report.Ended.IsZero(), fmt.Sprint(i))
		require.NoError(t, r.Shutdown(t.Context()))
	}
}

func TestTips(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	r.pin(0, 5)
	chain := r.chainOf()
	w := newWalker(r.Consensus.(*Replica))
	tips, err := w.tips(t.Context(), slices.Clone(chain[1:4]))
	require.NoError(t, err)
	require.Equal(t, chain[1:2], tips)
}

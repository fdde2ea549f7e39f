package crdt

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	"github.com/stretchr/testify/require"
)

// memory is a new datastore in memory.
func memory() datastore.Batching { return inmem.New().(datastore.Batching) }

func records(t *testing.T, pins ...api.Pin) (all []Record) {
	t.Helper()
	for _, p := range pins {
		r, err := NewRecord(p)
		require.NoError(t, err)
		all = append(all, r)
	}
	return all
}

func pinsNamed(from, to int, name string) (pins []api.Pin) {
	for i := from; i < to; i++ {
		pins = append(pins, api.PinWithOpts(testCID(i), api.PinOptions{Name: fmt.Sprintf("%s %d", name, i)}))
	}
	return pins
}

// filled is a store with the pins, with at most so many bytes in each node.
func filled(t *testing.T, most int, pins ...api.Pin) datastore.Batching {
	t.Helper()
	store := memory()
	f := NewFill(t.Context(), store, testNamespace)
	f.most = most
	for all := range slices.Chunk(records(t, pins...), 7) {
		require.NoError(t, f.Add(all))
	}
	require.NoError(t, f.End())
	return store
}

func entries(t *testing.T, store datastore.Datastore) map[string]string {
	t.Helper()
	results, err := store.Query(t.Context(), query.Query{})
	require.NoError(t, err)
	all, err := results.Rest()
	require.NoError(t, err)
	out := map[string]string{}
	for _, e := range all {
		out[e.Key] = string(e.Value)
	}
	return out
}

// A filled store has the keys and values that go-ds-crdt writes for the same
// batches: one node, and a chain of nodes that set some keys again.
func TestFillIsAsGoDSCRDT(t *testing.T) {
	for name, most := range map[string]int{"one node": 1 << 20, "many nodes": 1000} {
		t.Run(name, func(t *testing.T) {
			pins := append(pinsNamed(0, 100, "first"), pinsNamed(60, 130, "second")...)
			if most == 1<<20 {
				pins = pinsNamed(0, 100, "first")
			}
			store := filled(t, most, pins...)

			theirs := inmem.New()
			set, done, err := OpenOffline(theirs, testNamespace)
			require.NoError(t, err)
			batch, err := set.Batch(t.Context())
			require.NoError(t, err)
			size := 0
			var node []Record
			commit := func() {
				for _, r := range sorted(node) {
					require.NoError(t, batch.Put(t.Context(), r.Key, r.Value))
				}
				require.NoError(t, batch.Commit(t.Context()))
				node, size = nil, 0
			}
			for _, r := range records(t, pins...) {
				if size+r.size() > most {
					commit()
				}
				node, size = append(node, r), size+r.size()
			}
			commit()
			want := entries(t, theirs)
			require.NoError(t, done())
			require.Equal(t, want, entries(t, store))
			if most == 1000 {
				require.Greater(t, len(keysWith(t, store, testNamespace.String()+"/b/blocks/")), 10)
			}
		})
	}
}

// In a node each key is once, with its last value.
func TestFillTwice(t *testing.T) {
	pins := append(pinsNamed(0, 10, "first"), pinsNamed(5, 15, "second")...)
	store := filled(t, 1<<20, pins...)
	require.Equal(t, entries(t, filled(t, 1<<20, append(pinsNamed(0, 5, "first"), pinsNamed(5, 15, "second")...)...)), entries(t, store))
}

// An empty pinset is the store of a peer that has just been made.
func TestFillNothing(t *testing.T) {
	theirs := inmem.New()
	_, done, err := OpenOffline(theirs, testNamespace)
	require.NoError(t, err)
	want := entries(t, theirs)
	require.NoError(t, done())
	require.Equal(t, want, entries(t, filled(t, 100)))
}

// Peers get all of a filled store, ours and the library's, and what is written and
// removed on top of it by any of them.
func TestFilledStoreReplicates(t *testing.T) {
	pins := pinsNamed(0, 150, "imported")
	store := filled(t, 2000, pins...)
	for _, library := range []bool{false, true} {
		t.Run(fmt.Sprintf("opened by the library: %t", library), func(t *testing.T) {
			first := newRig(t, rigOptions{store: copyStore(t, store), library: library, every: time.Second})
			others := []*rig{newRig(t, rigOptions{every: time.Second}), newRig(t, rigOptions{library: true, every: time.Second})}
			for _, o := range others {
				first.connect(o)
			}
			others[0].connect(others[1])
			first.pin(1000, 1001) // announces the head
			var want []string
			for _, p := range pins {
				want = append(want, p.Name)
			}
			want = append(want, "1000")
			for _, r := range append(others, first) {
				r.gets(want, patient)
			}
			for i, r := range append(others, first) { // each removes one and changes one
				require.NoError(t, r.LogUnpin(t.Context(), api.PinCid(testCID(i))))
				require.NoError(t, r.LogPin(t.Context(), api.PinWithOpts(testCID(100+i), api.PinOptions{Name: fmt.Sprint("changed ", i)})))
			}
			want = slices.DeleteFunc(want, func(name string) bool {
				return slices.Contains([]string{"imported 0", "imported 1", "imported 2", "imported 100", "imported 101", "imported 102"}, name)
			})
			want = append(want, "changed 0", "changed 1", "changed 2")
			for _, r := range append(others, first) {
				r.gets(want, patient)
			}
		})
	}
}

// The error of the store ends a fill, and End waits for its goroutines.
func TestFillFails(t *testing.T) {
	c := newCut(inmem.New())
	c.after(20)
	f := NewFill(t.Context(), c, testNamespace)
	f.most = 500
	var err error
	for i := 0; err == nil && i < 10_000; i++ {
		err = f.Add(records(t, pinsNamed(i, i+1, "x")...))
	}
	require.Error(t, err)
	require.ErrorIs(t, f.End(), errCut)

	ctx, cancel := context.WithCancel(t.Context())
	f = NewFill(ctx, memory(), testNamespace)
	cancel()
	require.ErrorIs(t, f.Add(records(t, pinsNamed(0, 1, "x")...)), context.Canceled)
	require.ErrorIs(t, f.End(), context.Canceled)
}

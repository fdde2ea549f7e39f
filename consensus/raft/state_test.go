package raft

import (
	"bytes"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs-cluster/ipfs-cluster/state/dsstate"
	"github.com/ipfs/go-datastore"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/consensus"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// newState returns a state with pins of these names, and the CIDs that are
// observed after that.
func newState(t *testing.T, names map[int]string) (*raftState, *[]api.Cid) {
	t.Helper()
	var feed consensus.Feed
	store := feed.Raft(inmem.New())
	inner, err := dsstate.New(t.Context(), store, "/r", dsstate.DefaultHandle())
	require.NoError(t, err)
	var told []api.Cid
	s := &raftState{
		State: inner, store: store, namespace: datastore.NewKey("/r"), op: &raft.LogOp{},
	}
	for i, name := range names {
		pin := fakes.Pin(i, name)
		pin.Timestamp = time.Unix(1_000_000_000, 0) // the same in every state
		require.NoError(t, s.Add(t.Context(), pin))
	}
	require.NoError(t, store.Put(t.Context(), datastore.NewKey("/elsewhere"), []byte("stays")))
	feed.Subscribe(func(pinset.Change) {}) // takes what was before
	feed.Subscribe(func(c pinset.Change) { told = append(told, c.CID) })
	return s, &told
}

func namesIn(t *testing.T, s *raftState) map[int]string {
	t.Helper()
	names := map[int]string{}
	for i := range 10 {
		if pin, err := s.Get(t.Context(), fakes.CID(i)); err == nil {
			names[i] = pin.Name
		}
	}
	return names
}

func TestSnapshotReplacesTheState(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after map[int]string
		told          []int
	}{
		{"the same", map[int]string{1: "a", 2: "b"}, map[int]string{1: "a", 2: "b"}, nil},
		{"one removed", map[int]string{1: "a", 2: "b"}, map[int]string{1: "a"}, []int{2}},
		{"one more", map[int]string{1: "a"}, map[int]string{1: "a", 2: "b"}, []int{2}},
		{"one renamed", map[int]string{1: "a", 2: "b"}, map[int]string{1: "a", 2: "c"}, []int{2}},
		{"all removed", map[int]string{1: "a", 2: "b"}, map[int]string{}, []int{1, 2}},
		{"the first", map[int]string{}, map[int]string{1: "a"}, []int{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			leader, _ := newState(t, c.after)
			var snapshot bytes.Buffer
			require.NoError(t, leader.Marshal(&snapshot))
			s, told := newState(t, c.before)
			require.NoError(t, s.Unmarshal(&snapshot))
			require.Equal(t, c.after, namesIn(t, s))
			var want []api.Cid
			for _, i := range c.told {
				want = append(want, fakes.CID(i))
			}
			require.ElementsMatch(t, want, *told)
			_, err := s.store.Get(t.Context(), datastore.NewKey("/elsewhere"))
			require.NoError(t, err)
		})
	}
}

func TestBrokenSnapshotChangesNothing(t *testing.T) {
	leader, _ := newState(t, map[int]string{3: "x", 4: "y"})
	var snapshot bytes.Buffer
	require.NoError(t, leader.Marshal(&snapshot))
	before := map[int]string{1: "a", 2: "b"}
	for cut := 1; cut < snapshot.Len(); cut++ {
		if cut == snapshot.Len()/2 { // after the first of the two: a whole snapshot
			continue
		}
		s, told := newState(t, before)
		require.Error(t, s.Unmarshal(bytes.NewReader(snapshot.Bytes()[:cut])))
		require.Equal(t, before, namesIn(t, s))
		require.Empty(t, *told)
	}
}

// TestNothingIsLeftOver: an entry of the log is decoded over the one before.
func TestNothingIsLeftOver(t *testing.T) {
	s, told := newState(t, nil)
	s.op.Cid = fakes.Pin(1, "left over")
	require.NoError(t, s.Add(t.Context(), fakes.Pin(1, "a")))
	require.False(t, s.op.Cid.Defined())
	s.op.Cid = fakes.Pin(1, "left over")
	require.NoError(t, s.Rm(t.Context(), fakes.CID(1)))
	require.False(t, s.op.Cid.Defined())
	require.Equal(t, []api.Cid{fakes.CID(1), fakes.CID(1)}, *told)
}

package consensus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs-cluster/ipfs-cluster/state/dsstate"
	"github.com/ipfs/boxo/datastore/dshelp"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

func testPin(i int, name string) api.Pin {
	mh, err := multihash.Sum(fmt.Append(nil, "content ", i), multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return api.PinWithOpts(api.NewCid(cid.NewCidV1(cid.Raw, mh)), api.PinOptions{Name: name, ReplicationFactorMin: -1, ReplicationFactorMax: -1})
}

// recorder writes changes down: the number of the pin, its name, and whether there
// was one before. It holds each against the state.
type recorder struct {
	t     *testing.T
	store datastore.Read
	keyOf func(i int) datastore.Key
	seen  []string
}

func (r *recorder) observe(c pinset.Change) {
	for i := range 30 {
		if testPin(i, "").Cid != c.CID {
			continue
		}
		r.seen = append(r.seen, fmt.Sprintf("%d %q %v", i, c.Pin.Name, c.Existed))
		value, err := r.store.Get(context.Background(), r.keyOf(i))
		if c.Removed() {
			require.ErrorIs(r.t, err, datastore.ErrNotFound)
			return
		}
		require.NoError(r.t, err)
		var stored api.Pin
		require.NoError(r.t, stored.ProtoUnmarshal(value))
		require.Equal(r.t, stored, c.Pin)
		return
	}
	require.Fail(r.t, "a pin that nobody wrote", c.CID)
}

func (r *recorder) take() []string {
	seen := r.seen
	r.seen = nil
	return seen
}

// A state on Raft is written entry by entry, and by a snapshot.
func TestRaft(t *testing.T) {
	var f Feed
	store := f.Raft(inmem.New())
	st, err := dsstate.New(t.Context(), store, "r", dsstate.DefaultHandle())
	require.NoError(t, err)
	r := &recorder{t: t, store: store, keyOf: func(i int) datastore.Key {
		return datastore.NewKey("r").Child(dshelp.NewKeyFromBinary(testPin(i, "").Cid.Bytes()))
	}}
	require.NoError(t, st.Add(t.Context(), testPin(1, "early")))
	require.NoError(t, st.Add(t.Context(), testPin(1, "early, changed")))
	require.NoError(t, st.Add(t.Context(), testPin(2, "gone")))
	require.NoError(t, st.Rm(t.Context(), testPin(2, "").Cid))
	f.Subscribe(r.observe)
	require.Empty(t, r.take(), "it belongs to the state that is read at the start")

	require.NoError(t, st.Add(t.Context(), testPin(3, "a")))
	require.NoError(t, st.Add(t.Context(), testPin(3, "b")))
	require.NoError(t, st.Rm(t.Context(), testPin(3, "").Cid))
	require.NoError(t, st.Rm(t.Context(), testPin(3, "").Cid), "which is not there")
	require.NoError(t, store.Put(t.Context(), datastore.NewKey("r/version"), []byte("no pin")))
	require.Equal(t, []string{`3 "a" false`, `3 "b" true`, `3 "" true`}, r.take())

	other, err := dsstate.New(t.Context(), inmem.New(), "r", dsstate.DefaultHandle())
	require.NoError(t, err)
	require.NoError(t, other.Add(t.Context(), testPin(4, "restored")))
	var snapshot bytes.Buffer
	require.NoError(t, other.Marshal(&snapshot))
	require.NoError(t, st.Unmarshal(&snapshot))
	require.Equal(t, []string{`4 "restored" false`}, r.take())
}

// failing is a datastore whose batches cannot be committed.
type failing struct{ datastore.Batching }

func (f failing) Batch(ctx context.Context) (datastore.Batch, error) {
	b, err := f.Batching.Batch(ctx)
	return failingBatch{b}, err
}

type failingBatch struct{ datastore.Batch }

var errFull = errors.New("no space left on device")

func (failingBatch) Commit(context.Context) error { return errFull }

// A state on CRDT is written in batches: each CID is told once, after the commit.
func TestCRDT(t *testing.T) {
	var f Feed
	ns := datastore.NewKey("/c")
	inner := inmem.New().(datastore.Batching)
	store := f.CRDT(inner, ns)
	keyOf := func(i int) datastore.Key {
		return ns.ChildString("s/k").Child(dshelp.NewKeyFromBinary(testPin(i, "").Cid.Bytes())).ChildString("v")
	}
	value := func(i int, name string) []byte {
		b, err := testPin(i, name).ProtoMarshal()
		require.NoError(t, err)
		return b
	}
	r := &recorder{t: t, store: store, keyOf: keyOf}
	f.Subscribe(r.observe)

	b, err := store.Batch(t.Context())
	require.NoError(t, err)
	require.NoError(t, b.Put(t.Context(), keyOf(1), value(1, "first")))
	require.NoError(t, b.Put(t.Context(), keyOf(2), value(2, "two")))
	require.NoError(t, b.Put(t.Context(), keyOf(1), value(1, "last")))
	require.NoError(t, b.Put(t.Context(), keyOf(1).Parent().ChildString("p"), []byte{1}))
	require.NoError(t, b.Put(t.Context(), ns.ChildString("s/s").Child(dshelp.NewKeyFromBinary(testPin(3, "").Cid.Bytes())).ChildString("v"), nil))
	require.NoError(t, b.Delete(t.Context(), keyOf(4)))
	require.Empty(t, r.take(), "before the commit")
	require.NoError(t, b.Commit(t.Context()))
	require.Equal(t, []string{`1 "last" false`, `2 "two" false`}, r.take())

	require.NoError(t, b.Delete(t.Context(), keyOf(1)))
	require.NoError(t, b.Delete(t.Context(), keyOf(2)))
	require.NoError(t, b.Put(t.Context(), keyOf(2), value(2, "another value")))
	require.NoError(t, b.Commit(t.Context()))
	require.Equal(t, []string{`1 "" true`, `2 "another value" true`}, r.take(), "a batch is used again")

	require.NoError(t, store.Put(t.Context(), keyOf(5), value(5, "five")))
	require.NoError(t, store.Delete(t.Context(), keyOf(5)))
	require.Equal(t, []string{`5 "five" false`, `5 "" true`}, r.take())

	b, err = f.CRDT(failing{inner}, ns).Batch(t.Context())
	require.NoError(t, err)
	require.NoError(t, b.Put(t.Context(), keyOf(6), value(6, "six")))
	require.ErrorIs(t, b.Commit(t.Context()), errFull)
	require.Empty(t, r.take(), "what was not committed")
}

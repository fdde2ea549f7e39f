package crdt

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs/go-cid"
	pebbleds "github.com/ipfs/go-ds-pebble"
	"github.com/stretchr/testify/require"
)

// TestEntries: the quick way through the pinset has what the library's List has, after
// writes, updates and removals, also those of another peer.
func TestEntries(t *testing.T) {
	t.Parallel()
	store, err := pebbleds.NewDatastore("", pebbleds.WithPebbleOpts(&pebble.Options{FS: vfs.NewMem()}))
	require.NoError(t, err)
	t.Cleanup(func() { store.Close() })
	ours, other := newRig(t, rigOptions{store: store}), newRig(t, rigOptions{})
	other.connect(ours)
	names := ours.pin(0, 50)
	other.gets(names, patient)
	require.NoError(t, other.LogUnpin(t.Context(), api.PinCid(testCID(0))))
	require.NoError(t, other.LogPin(t.Context(), api.PinWithOpts(testCID(1), api.PinOptions{Name: "renamed"})))
	names = append(names[2:], "renamed")
	ours.gets(names, patient)
	require.NoError(t, ours.LogUnpin(t.Context(), api.PinCid(testCID(2))))
	require.NoError(t, ours.LogPin(t.Context(), api.PinWithOpts(testCID(3), api.PinOptions{
		Name: "more", Metadata: map[string]string{"key": "value"},
	})))

	listed := make(map[string]string)
	st, err := ours.State(t.Context())
	require.NoError(t, err)
	pins := make(chan api.Pin, 1024)
	go st.List(t.Context(), pins)
	for p := range pins {
		listed[p.Cid.String()] = fmt.Sprint(p.Name, p.Metadata)
	}
	cfg := &crdt.Config{}
	require.NoError(t, cfg.Default())
	through := Entries(store, cfg.DatastoreNamespace)
	found := make(map[string]string)
	require.NoError(t, through(t.Context(), func(key, value []byte) error {
		c, err := cid.Cast(key)
		require.NoError(t, err)
		var p api.Pin
		require.NoError(t, p.ProtoUnmarshal(value))
		found[c.String()] = fmt.Sprint(p.Name, p.Metadata)
		return nil
	}))
	require.Equal(t, listed, found)
	require.Len(t, found, 48)

	require.ErrorIs(t, through(t.Context(), func(_, _ []byte) error { return errStopped }), errStopped)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, through(ended, func(_, _ []byte) error { return nil }), context.Canceled)
	require.Nil(t, Entries(inmem.New(), cfg.DatastoreNamespace))
}

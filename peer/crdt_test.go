package peer

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"
)

func TestCRDT(t *testing.T) {
	for _, datastore := range []string{"pebble", "badger3", "badger", "leveldb"} {
		t.Run(datastore, func(t *testing.T) {
			folder := newFolder(t, CreateOptions{Datastore: datastore})
			info, err := InspectCRDT(t.Context(), folder)
			require.NoError(t, err)
			require.Equal(t, CRDTInfo{Heads: []cid.Cid{}, Unchecked: true}, info)

			_, err = ImportState(t.Context(), folder, strings.NewReader(somePins(t, 3)), ImportOptions{})
			require.NoError(t, err)
			info, err = InspectCRDT(t.Context(), folder)
			require.NoError(t, err)
			require.Len(t, info.Heads, 1)
			require.EqualValues(t, 1, info.MaxHeight)
			require.False(t, info.Dirty)

			for _, dirty := range []bool{true, true, false, false} {
				require.NoError(t, MarkCRDT(t.Context(), folder, dirty))
				info, err := InspectCRDT(t.Context(), folder)
				require.NoError(t, err)
				require.Equal(t, dirty, info.Dirty)
			}
			var dot bytes.Buffer
			require.NoError(t, DrawCRDT(t.Context(), folder, &dot))
			require.True(t, strings.HasPrefix(dot.String(), "digraph CRDTDAG {\n"))
			require.Contains(t, dot.String(), info.Heads[0].String())
			require.Contains(t, dot.String(), "+3 -0")
		})
	}
}

// TestDirtyIsRepaired: a peer whose folder is marked repairs it and goes on.
func TestDirtyIsRepaired(t *testing.T) {
	folder := newFolder(t, CreateOptions{})
	t.Setenv("CLUSTER_CRDT_REPAIRINTERVAL", "1s")
	pins := somePins(t, 10)
	_, err := ImportState(t.Context(), folder, strings.NewReader(pins), ImportOptions{})
	require.NoError(t, err)
	require.NoError(t, MarkCRDT(t.Context(), folder, true))
	p := startPeer(t, Options{Folder: folder, Connector: newMemory()})
	require.NoError(t, p.Shutdown(t.Context()))
	require.Equal(t, lines(pins), lines(export(t, folder)))
}

func TestCRDTRefuses(t *testing.T) {
	folder := newFolder(t, CreateOptions{Consensus: "raft"})
	_, err := InspectCRDT(t.Context(), folder)
	require.ErrorIs(t, err, errNotCRDT)
	require.ErrorIs(t, DrawCRDT(t.Context(), folder, io.Discard), errNotCRDT)
	require.ErrorIs(t, MarkCRDT(t.Context(), folder, true), errNotCRDT)

	folder = newFolder(t, CreateOptions{})
	startPeer(t, Options{Folder: folder, Connector: newMemory()})
	_, err = InspectCRDT(t.Context(), folder)
	require.ErrorIs(t, err, ErrLocked)
}

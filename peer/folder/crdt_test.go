package folder

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

func TestCRDT(t *testing.T) {
	for _, datastore := range []string{"pebble", "badger3", "badger", "leveldb"} {
		t.Run(datastore, func(t *testing.T) {
			folder := newFolder(t, settings.Choice{Datastore: datastore})
			info, err := InspectCRDT(t.Context(), folder)
			require.NoError(t, err)
			require.Equal(t, CRDTInfo{Heads: []cid.Cid{}, Unchecked: true}, info)

			_, err = ImportState(t.Context(), folder, strings.NewReader(testfolder.Pins(t, 3)), ImportOptions{})
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

func TestCRDTRefuses(t *testing.T) {
	folder := newFolder(t, settings.Choice{Consensus: "raft"})
	_, err := InspectCRDT(t.Context(), folder)
	require.ErrorIs(t, err, errNotCRDT)
	require.ErrorIs(t, DrawCRDT(t.Context(), folder, io.Discard), errNotCRDT)
	require.ErrorIs(t, MarkCRDT(t.Context(), folder, true), errNotCRDT)

	folder = newFolder(t, settings.Choice{})
	l, err := Lock(folder)
	require.NoError(t, err)
	defer l.Close()
	_, err = InspectCRDT(t.Context(), folder)
	require.ErrorIs(t, err, ErrLocked)
}

package peer

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"
)

// TestImportOptions: what the options replace, as ipfs-cluster-service does.
func TestImportOptions(t *testing.T) {
	one, err := libp2p.Decode("12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT")
	require.NoError(t, err)
	pins := somePins(t, 3) // 1 to 2 replicas
	for _, c := range []struct {
		name string
		o    ImportOptions
	}{
		{"nothing", ImportOptions{}},
		{"both factors", ImportOptions{ReplicationMin: 3, ReplicationMax: 4}},
		{"the larger factor", ImportOptions{ReplicationMax: 4}},
		{"allocations", ImportOptions{Allocations: []libp2p.ID{one}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ours := newFolder(t, CreateOptions{})
			_, err := ImportState(t.Context(), ours, strings.NewReader(pins), c.o)
			require.NoError(t, err)

			theirs := libraryFolder(t, "crdt", "leveldb")
			require.NoError(t, libraryState(t, theirs).ImportState(strings.NewReader(pins), api.PinOptions{
				ReplicationFactorMin: c.o.ReplicationMin, ReplicationFactorMax: c.o.ReplicationMax, UserAllocations: c.o.Allocations,
			}))
			var want bytes.Buffer
			require.NoError(t, libraryState(t, theirs).ExportState(&want))
			require.Equal(t, lines(want.String()), lines(export(t, ours)))
		})
	}
	t.Run("everywhere", func(t *testing.T) {
		folder := newFolder(t, CreateOptions{})
		_, err := ImportState(t.Context(), folder, strings.NewReader(pins), ImportOptions{ReplicationMin: -1, ReplicationMax: -1})
		require.NoError(t, err)
		require.Equal(t, 3, strings.Count(export(t, folder), `"replication_factor_min":-1,"replication_factor_max":-1`))
	})
	for name, o := range map[string]ImportOptions{
		"a minimum above the file's maximum": {ReplicationMin: 3},
		"half of everywhere":                 {ReplicationMin: -1},
		"less than everywhere":               {ReplicationMin: -2, ReplicationMax: -2},
	} {
		t.Run(name, func(t *testing.T) {
			folder := newFolder(t, CreateOptions{})
			_, err := ImportState(t.Context(), folder, strings.NewReader(pins), o)
			require.ErrorContains(t, err, "nothing was changed: pin 1: its replication factors would be")
		})
	}
}

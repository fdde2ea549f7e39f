package folder

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// TestImportOptions: what the options replace, as ipfs-cluster-service does.
func TestImportOptions(t *testing.T) {
	one, err := libp2p.Decode("12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT")
	require.NoError(t, err)
	pins := testfolder.Pins(t, 3) // 1 to 2 replicas
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
			ours := newFolder(t, settings.Choice{})
			_, err := ImportState(t.Context(), ours, strings.NewReader(pins), c.o)
			require.NoError(t, err)

			theirs := libraryFolder(t, "crdt", "leveldb")
			require.NoError(t, libraryState(t, theirs).ImportState(strings.NewReader(pins), api.PinOptions{
				ReplicationFactorMin: c.o.ReplicationMin, ReplicationFactorMax: c.o.ReplicationMax, UserAllocations: c.o.Allocations,
			}))
			var want bytes.Buffer
			require.NoError(t, libraryState(t, theirs).ExportState(&want))
			require.Equal(t, testfolder.Lines(want.String()), testfolder.Lines(export(t, ours)))
		})
	}
	t.Run("everywhere", func(t *testing.T) {
		folder := newFolder(t, settings.Choice{})
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
			folder := newFolder(t, settings.Choice{})
			_, err := ImportState(t.Context(), folder, strings.NewReader(pins), o)
			require.ErrorContains(t, err, "nothing was changed: pin 1: its replication factors would be")
		})
	}
}

// The parts of sharded pins keep what makes them parts: a cluster DAG is at every
// peer, and a root has no allocations.
func TestImportOptionsOfShards(t *testing.T) {
	one, err := libp2p.Decode("12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT")
	require.NoError(t, err)
	o := ImportOptions{ReplicationMin: 1, ReplicationMax: 2, Allocations: []libp2p.ID{one}}
	for kind, want := range map[api.PinType]struct {
		allocated int
		factor    int
	}{
		api.DataType: {1, 2}, api.ShardType: {1, 2}, api.MetaType: {0, 2}, api.ClusterDAGType: {0, -1},
	} {
		pin := api.PinCid(api.NewCid(testfolder.CID(t, "x")))
		pin.Type, pin.ReplicationFactorMin, pin.ReplicationFactorMax = kind, -1, -1
		pin = o.apply(pin)
		require.Len(t, pin.Allocations, want.allocated, kind)
		require.Equal(t, want.factor, pin.ReplicationFactorMax, kind)
		require.NoError(t, o.check(pin))
	}
}

package peer

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// TestDirtyIsRepaired: a peer whose folder is marked repairs it and goes on.
func TestDirtyIsRepaired(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	t.Setenv("CLUSTER_CRDT_REPAIRINTERVAL", "1s")
	pins := testfolder.Pins(t, 10)
	_, err := folder.ImportState(t.Context(), dir, strings.NewReader(pins), folder.ImportOptions{})
	require.NoError(t, err)
	require.NoError(t, folder.MarkCRDT(t.Context(), dir, true))
	p := startPeer(t, Options{Folder: dir, Connector: newMemory()})
	require.NoError(t, p.Shutdown(t.Context()))
	require.Equal(t, testfolder.Lines(pins), testfolder.Lines(export(t, dir)))
}

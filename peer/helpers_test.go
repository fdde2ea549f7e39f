package peer

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// newFolder makes a peer's folder with the environment of testfolder.Isolate.
func newFolder(t testing.TB, c settings.Choice) string {
	t.Helper()
	testfolder.Isolate(t)
	path := filepath.Join(t.TempDir(), "peer")
	_, err := folder.Create(path, folder.CreateOptions{Choice: testfolder.Choice(c)})
	require.NoError(t, err)
	return path
}

// newCID returns a CID that a text has.
func newCID(t *testing.T, text string) cid.Cid { return testfolder.CID(t, text) }

// export returns what ExportState writes.
func export(t *testing.T, dir string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, folder.ExportState(t.Context(), dir, &out))
	return out.String()
}

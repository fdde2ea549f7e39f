package folder

import (
	"path/filepath"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/cmdutils"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// newFolder makes a peer's folder with the environment of testfolder.Isolate.
func newFolder(t testing.TB, c settings.Choice) string {
	t.Helper()
	testfolder.Isolate(t)
	path := filepath.Join(t.TempDir(), "peer")
	_, err := Create(path, CreateOptions{Choice: testfolder.Choice(c)})
	require.NoError(t, err)
	return path
}

// libraryFolder makes a folder as ipfs-cluster-service does, with the library's
// own code.
func libraryFolder(t *testing.T, consensus, datastore string) string {
	t.Helper()
	testfolder.Isolate(t)
	folder := t.TempDir()
	h := cmdutils.NewConfigHelper(filepath.Join(folder, settings.File), filepath.Join(folder, settings.IdentityFile), consensus, datastore)
	defer func() { go h.Manager().Shutdown() }()
	require.NoError(t, h.Manager().Default())
	require.NoError(t, h.Identity().Default())
	require.NoError(t, h.SaveConfigToDisk())
	require.NoError(t, h.SaveIdentityToDisk())
	return folder
}

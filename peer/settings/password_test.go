package settings_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

func TestSetPassword(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	testfolder.Edit(t, dir, map[string]any{"of": []int{1, 2}}, "a stranger's section", "key")
	testfolder.Edit(t, dir, "kept", "api", "restapi", "a key that nobody knows")
	require.NoError(t, os.Chmod(filepath.Join(dir, settings.File), 0o640))
	before := testfolder.Section(t, dir, "api", "pinsvcapi", "basic_auth_credentials").(map[string]any)[settings.DefaultUser]

	sections, err := settings.SetPassword(dir, "a.b \"c\"", "entry")
	require.NoError(t, err)
	require.Equal(t, []string{"api.pinsvcapi", "api.restapi"}, sections)
	for _, s := range []string{"pinsvcapi", "restapi"} {
		require.Equal(t, map[string]any{settings.DefaultUser: before, "a.b \"c\"": "entry"},
			testfolder.Section(t, dir, "api", s, "basic_auth_credentials"))
	}
	require.Equal(t, []any{1.0, 2.0}, testfolder.Section(t, dir, "a stranger's section", "key", "of"))
	require.Equal(t, "kept", testfolder.Section(t, dir, "api", "restapi", "a key that nobody knows"))
	info, err := os.Stat(filepath.Join(dir, settings.File))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	left, err := filepath.Glob(filepath.Join(dir, settings.File+".*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestSetPasswordWhereThereIsOneAPI(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	testfolder.Edit(t, dir, nil, "api", "restapi")
	testfolder.Edit(t, dir, nil, "api", "pinsvcapi", "basic_auth_credentials")
	sections, err := settings.SetPassword(dir, "anna", "entry")
	require.NoError(t, err)
	require.Equal(t, []string{"api.pinsvcapi"}, sections)
	require.NotContains(t, testfolder.Section(t, dir, "api"), "restapi")
	s, err := settings.Load(dir, false)
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, map[string]auth.Users{"api.pinsvcapi": {"anna": "entry"}}, s.ConfiguredUsers())

	testfolder.Edit(t, dir, nil, "api", "pinsvcapi")
	_, err = settings.SetPassword(dir, "anna", "entry")
	require.ErrorContains(t, err, "api.pinsvcapi")
}

// A link to a file somewhere else stays one.
func TestSetPasswordThroughALink(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	path, real := filepath.Join(dir, settings.File), filepath.Join(t.TempDir(), "real.json")
	require.NoError(t, os.Rename(path, real))
	require.NoError(t, os.Symlink(real, path))
	_, err := settings.SetPassword(dir, "anna", "entry")
	require.NoError(t, err)
	target, err := os.Readlink(path)
	require.NoError(t, err)
	require.Equal(t, real, target)
	require.Contains(t, testfolder.Section(t, dir, "api", "restapi", "basic_auth_credentials"), "anna")
}

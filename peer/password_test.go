package peer

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

func TestSetPassword(t *testing.T) {
	folder := newFolder(t, CreateOptions{})
	edit(t, folder, map[string]any{"of": []int{1, 2}}, "a stranger's section", "key")
	edit(t, folder, "kept", "api", "restapi", "a key that nobody knows")
	require.NoError(t, os.Chmod(filepath.Join(folder, settingsFile), 0o640))
	before := section(t, folder, "api", "pinsvcapi", "basic_auth_credentials").(map[string]any)[DefaultUser]

	sections, err := SetPassword(folder, "a.b \"c\"", "entry")
	require.NoError(t, err)
	require.Equal(t, []string{"api.pinsvcapi", "api.restapi"}, sections)
	for _, s := range ourSections {
		require.Equal(t, map[string]any{DefaultUser: before, "a.b \"c\"": "entry"},
			section(t, folder, "api", s, "basic_auth_credentials"))
	}
	require.Equal(t, []any{1.0, 2.0}, section(t, folder, "a stranger's section", "key", "of"))
	require.Equal(t, "kept", section(t, folder, "api", "restapi", "a key that nobody knows"))
	info, err := os.Stat(filepath.Join(folder, settingsFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	left, err := filepath.Glob(filepath.Join(folder, settingsFile+".*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestSetPasswordWhereThereIsOneAPI(t *testing.T) {
	folder := newFolder(t, CreateOptions{})
	edit(t, folder, nil, "api", "restapi")
	edit(t, folder, nil, "api", "pinsvcapi", "basic_auth_credentials")
	sections, err := SetPassword(folder, "anna", "entry")
	require.NoError(t, err)
	require.Equal(t, []string{"api.pinsvcapi"}, sections)
	require.NotContains(t, section(t, folder, "api"), "restapi")
	s, err := LoadSettings(folder, false)
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, map[string]auth.Users{"api.pinsvcapi": {"anna": "entry"}}, s.configuredUsers())

	edit(t, folder, nil, "api", "pinsvcapi")
	_, err = SetPassword(folder, "anna", "entry")
	require.ErrorContains(t, err, "api.pinsvcapi")
}

// A link to a file somewhere else stays one.
func TestSetPasswordThroughALink(t *testing.T) {
	folder := newFolder(t, CreateOptions{})
	path, real := filepath.Join(folder, settingsFile), filepath.Join(t.TempDir(), "real.json")
	require.NoError(t, os.Rename(path, real))
	require.NoError(t, os.Symlink(real, path))
	_, err := SetPassword(folder, "anna", "entry")
	require.NoError(t, err)
	target, err := os.Readlink(path)
	require.NoError(t, err)
	require.Equal(t, real, target)
	require.Contains(t, section(t, folder, "api", "restapi", "basic_auth_credentials"), "anna")
}

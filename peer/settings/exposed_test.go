package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// TestExposedSecrets: a configuration that everybody can read is told, and is
// mended when it is written.
func TestExposedSecrets(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	conf, identity := filepath.Join(dir, settings.File), filepath.Join(dir, settings.IdentityFile)
	notices := func() string {
		s, err := settings.Load(dir, true)
		require.NoError(t, err)
		defer s.Close()
		return strings.Join(s.Notices(), "\n")
	}
	require.NoError(t, os.Chmod(conf, 0o644))
	require.Empty(t, notices(), "nobody else may enter the folder")
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.Chmod(identity, 0o604))
	require.Contains(t, notices(), "chmod 600 "+conf+" "+identity)
	_, err := settings.SetPassword(dir, "anna", "a password that is long enough")
	require.NoError(t, err)
	require.NotContains(t, notices(), conf)
	require.NoError(t, os.Chmod(identity, 0o640))
	require.Empty(t, notices(), "a group may have been meant")
}

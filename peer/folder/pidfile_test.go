package folder

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

func TestDaemonOf(t *testing.T) {
	folder := newFolder(t, settings.Choice{})
	_, err := daemonOf(folder)
	require.ErrorIs(t, err, ErrNoDaemon)

	// What a process that was killed has left behind.
	require.NoError(t, os.WriteFile(filepath.Join(folder, pidFile), []byte("1\n"), 0o600))
	_, err = daemonOf(folder)
	require.ErrorIs(t, err, ErrNoDaemon)
	require.NoError(t, os.WriteFile(filepath.Join(folder, pidFile), []byte("nonsense"), 0o600))
	_, err = daemonOf(folder)
	require.ErrorContains(t, err, pidFile)

	l, err := Lock(folder)
	require.NoError(t, err)
	defer l.Close()
	require.NoError(t, WritePID(folder))
	daemon, err := daemonOf(folder)
	require.NoError(t, err)
	require.Equal(t, os.Getpid(), daemon.Pid)
	require.NoError(t, RemovePID(folder))
	require.NoFileExists(t, filepath.Join(folder, pidFile))
}

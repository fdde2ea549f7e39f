package settings

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlainLeavesOtherErrorsAlone(t *testing.T) {
	err := errors.New("something else: happened")
	require.Equal(t, err, plain(err))
	require.NoError(t, plain(nil))
}

func TestFile(t *testing.T) {
	for err, want := range map[error]string{
		syscall.EACCES:  "run pinsvc as the user that owns it",
		syscall.ENOSPC:  "free some",
		syscall.EROFS:   "must be writable",
		syscall.ENOTDIR: "choose a folder with --config",
	} {
		explained := ExplainFile(&os.PathError{Op: "open", Path: "/x", Err: err})
		require.ErrorContains(t, explained, "/x: "+err.Error()+": ")
		require.ErrorContains(t, explained, want)
	}
	require.Equal(t, os.ErrClosed, ExplainFile(os.ErrClosed))
	path := filepath.Join(t.TempDir(), File)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err := Load(path, false)
	require.ErrorContains(t, err, "choose a folder with --config")
}

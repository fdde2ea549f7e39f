package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestImportProgressLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pins")
	require.NoError(t, os.WriteFile(path, make([]byte, 1000), 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	p := newImportProgress(f)
	p.count(1234)
	_, err = p.Read(make([]byte, 430))
	require.NoError(t, err)
	require.Equal(t, "[############..................]  43 %, 1,234 pins read", p.line())
	_, err = io.ReadAll(p)
	require.NoError(t, err)
	require.Equal(t, "1,234 pins read, all: they are being written to the disk", p.line())

	p = newImportProgress(strings.NewReader("12345"))
	_, err = p.Read(make([]byte, 3))
	require.NoError(t, err)
	require.Equal(t, "0 pins read, 3 B", p.line())
}

// TestImportProgressShown: a terminal has one line that changes and goes away.
func TestImportProgressShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var out output
		done := make(chan struct{})
		go func() {
			defer close(done)
			newImportProgress(strings.NewReader("")).show(ctx, &out)
		}()
		time.Sleep(10*time.Minute + time.Millisecond)
		cancel()
		<-done
		require.NotContains(t, out.String(), "\n")
		require.Greater(t, strings.Count(out.String(), "0 pins read"), 1000)
		require.True(t, strings.HasSuffix(out.String(), "\r\x1b[K"), "the line is removed")
	})
}

// TestImportInterrupted: a signal ends an import that waits for its input. The
// program says so, and the pinset is the old one.
func TestImportInterrupted(t *testing.T) {
	path, err := program()
	require.NoError(t, err)
	folder := newFolder(t)
	succeed(t, exported, "-c", folder, "state", "import", "-f")
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		cmd := exec.Command(path, "-c", folder, "state", "import", "-f")
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		var errs output
		cmd.Stderr = &errs
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		_, err = io.WriteString(in, strings.Replace(exported, `"n"`, `"another"`, 1))
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			left, err := os.ReadDir(filepath.Join(folder, "pebble.new"))
			return err == nil && len(left) > 0
		}, patient, 10*time.Millisecond)
		require.NoError(t, cmd.Process.Signal(signal))
		require.Error(t, cmd.Wait())
		if signal != syscall.SIGKILL {
			require.Regexp(t, `^pinsvc: nothing was changed: pin \d: interrupted\n$`, errs.String())
		}
		require.Equal(t, exported, succeed(t, "", "-c", folder, "state", "export"))
		require.NoDirExists(t, filepath.Join(folder, "pebble.new"))
	}
}

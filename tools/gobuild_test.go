// Package tools_test tests the scripts of this folder.
package tools_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeGo is a go command. `go list` says that it downloads $DOWNLOADS modules and lists
// $LISTED packages; `go build` says that it compiles $COMPILED packages, then what is in
// $TROUBLE, prints its arguments, and ends with $STATUS.
const fakeGo = `#!/usr/bin/env bash
times() { for ((i = 1; i <= $1; i++)); do echo "$2$i"; done; }
case $1 in
list)
	times "${DOWNLOADS:-0}" "go: downloading example.com/m v1.0." >&2
	times "${LISTED:-0}" example.com/p
	;;
build)
	times "${COMPILED:-0}" example.com/p >&2
	[ -z "${TROUBLE:-}" ] || echo "$TROUBLE" >&2
	echo "arguments: $*"
	exit "${STATUS:-0}"
	;;
esac
`

// gobuild runs the script with a fake go command and returns what it prints on its two
// streams, and its exit status.
func gobuild(t *testing.T, env ...string) (out, errs string, status int) {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "go"), []byte(fakeGo), 0o700))
	script, err := filepath.Abs("gobuild.sh")
	require.NoError(t, err)
	cmd := exec.Command(script, "./cmd/x", "go", "build", "-o", "bin/x")
	cmd.Dir = ".."
	cmd.Env = append(append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH")), env...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if _, ended := err.(*exec.ExitError); !ended {
		require.NoError(t, err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// TestGobuildIsSilent: when nearly everything is cached there is nothing to say.
func TestGobuildIsSilent(t *testing.T) {
	for _, few := range []string{"0", "19"} {
		out, errs, status := gobuild(t, "DOWNLOADS="+few, "COMPILED="+few, "LISTED=1000")
		require.Zero(t, status)
		require.Empty(t, errs)
		require.Equal(t, "arguments: build -o bin/x -v ./cmd/x\n", out)
	}
}

// TestGobuildSaysHowFarItIs: a first build prints a hint once, and then a line now and then.
func TestGobuildSaysHowFarItIs(t *testing.T) {
	_, errs, status := gobuild(t, "DOWNLOADS=120", "COMPILED=450", "LISTED=500")
	require.Zero(t, status)
	var downloads, packages []string
	for line := range strings.Lines(errs) {
		switch line = strings.TrimSuffix(line, "\n"); {
		case strings.HasPrefix(line, "downloaded"):
			downloads = append(downloads, line)
		case strings.HasPrefix(line, "compiled"):
			packages = append(packages, line)
		}
	}
	require.Equal(t, []string{"downloaded 50 modules", "downloaded 100 modules"}, downloads)
	require.Equal(t, []string{"compiled 200 of 500 packages", "compiled 400 of 500 packages"}, packages)
	require.Equal(t, 1, strings.Count(errs, "Downloading the modules"))
	require.Equal(t, 1, strings.Count(errs, "Compiling: some minutes"))
	require.Less(t, strings.Index(errs, "Downloading"), strings.Index(errs, "Compiling"))
	require.NotContains(t, errs, "example.com/p", "the packages themselves")
	require.NotContains(t, errs, "\r", "this is no terminal")
	for line := range strings.Lines(errs) {
		require.LessOrEqual(t, len(line), 81, line)
	}
}

// TestGobuildFails: the errors and the status of a build are those of the go command.
func TestGobuildFails(t *testing.T) {
	const trouble = "cmd/x/main.go:7:2: undefined: y"
	for status := range 3 {
		_, errs, got := gobuild(t, "COMPILED=300", "LISTED=300", "TROUBLE="+trouble, fmt.Sprint("STATUS=", status))
		require.Equal(t, status, got)
		require.True(t, strings.HasSuffix(errs, trouble+"\n"), errs)
		require.Contains(t, errs, "compiled 200 of 300 packages")
	}
}

// TestGobuildWithoutGo: the message names the version of go.mod, and where to get it.
func TestGobuildWithoutGo(t *testing.T) {
	folder := t.TempDir()
	for _, tool := range []string{"bash", "env", "awk"} {
		path, err := exec.LookPath(tool)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(folder, tool)))
	}
	script, err := filepath.Abs("gobuild.sh")
	require.NoError(t, err)
	cmd := exec.Command(script, "./cmd/x", "go", "build")
	cmd.Dir = ".."
	cmd.Env = []string{"PATH=" + folder}
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Regexp(t, `^Go \d+\.\d+(\.\d+)? is needed to build: https://go\.dev/dl/\n$`, string(out))
}

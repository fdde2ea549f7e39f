package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDescribeBuild(t *testing.T) {
	installed := &debug.BuildInfo{Main: debug.Module{Version: "v0.2.0"}}
	tree := &debug.BuildInfo{Main: debug.Module{Version: "(devel)"},
		Settings: []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "0123456789ab"}}}
	for _, c := range []struct {
		name, release, commit string
		info                  *debug.BuildInfo
		wants                 string
	}{
		{"make build of a tag", "v0.1.0", "fedcba987654", tree, "pinsvc v0.1.0, ipfs-cluster 1.1.6, commit fedcba987654"},
		{"make build without a tag", "", "fedcba987654", tree, "pinsvc (devel), ipfs-cluster 1.1.6, commit fedcba987654"},
		{"go install of a version", "", "", installed, "pinsvc v0.2.0, ipfs-cluster 1.1.6, commit unknown"},
		{"go build in a work tree", "", "", tree, "pinsvc (devel), ipfs-cluster 1.1.6, commit 0123456789ab"},
		{"nothing is known", "", "", nil, "pinsvc (devel), ipfs-cluster 1.1.6, commit unknown"},
		{"a module without a version", "", "", &debug.BuildInfo{}, "pinsvc (devel), ipfs-cluster 1.1.6, commit unknown"},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.wants, describeBuild(c.release, c.commit, c.info)) })
	}
}

// TestMakefileLinksTheVersion: `make build` links the tag of the commit, or the last one
// and the number of commits since.
func TestMakefileLinksTheVersion(t *testing.T) {
	for _, tool := range []string{"git", "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not here", tool)
		}
	}
	folder := t.TempDir()
	makefile, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "Makefile"), makefile, 0o600))
	run := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "MAKEFLAGS=")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	git := func(args ...string) {
		run("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
	}
	linked := func() string {
		_, rest, found := strings.Cut(run("make", "-n", "build"), "-X main.release=")
		require.True(t, found)
		version, _, _ := strings.Cut(rest, `"`)
		return version
	}
	git("init", "-q")
	require.Empty(t, linked(), "no commit")
	git("commit", "-q", "--allow-empty", "-m", "first")
	git("tag", "-a", "-m", "not a version", "nightly")
	require.Empty(t, linked(), "no version")
	git("tag", "-a", "-m", "first version", "v0.1.0")
	require.Equal(t, "v0.1.0", linked())
	git("commit", "-q", "--allow-empty", "-m", "second")
	require.Regexp(t, `^v0\.1\.0-1-g[0-9a-f]+$`, linked())
}

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReloadWithoutDaemon(t *testing.T) {
	folder := newFolder(t)
	require.Equal(t, "pinsvc: no daemon runs on folder "+folder+"\n", refuse(t, "", "-c", folder, "reload"))
	require.Contains(t, refuse(t, "", "-c", t.TempDir(), "reload"), "no daemon runs")
}

// TestProcessReload: passwd and reload beside a running daemon, and a stale
// file with the number of a process.
func TestProcessReload(t *testing.T) {
	folder := newFolder(t)
	d := startDaemon(t, folder)
	old := newClient(t, folder, d)
	status := func(c *client) int {
		code, _, err := c.do(http.MethodGet, "/pins", "")
		require.NoError(t, err)
		return code
	}
	out := succeed(t, "a long new password\n", "-c", folder, "passwd")
	require.Contains(t, out, "every peer")
	require.NotContains(t, out, "a long new password")
	renewed := newClient(t, folder, d)
	require.Equal(t, []int{200, 401}, []int{status(old), status(renewed)}, "nobody has said so yet")
	require.Contains(t, succeed(t, "", "-c", folder, "reload"), "uses the users")
	require.Equal(t, []int{401, 200}, []int{status(old), status(renewed)})
	require.Contains(t, d.errs.String(), "the credentials were read again")

	path := filepath.Join(folder, "service.json")
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	require.Contains(t, refuse(t, "", "-c", folder, "reload"), "keeps the old credentials")
	require.Equal(t, 200, status(renewed))
	require.Contains(t, d.errs.String(), "the old ones stay")
	require.NoError(t, os.WriteFile(path, good, 0o600))

	require.NotContains(t, d.errs.String(), "a long new password")
	require.Equal(t, -1, d.end(t, syscall.SIGKILL))
	require.FileExists(t, filepath.Join(folder, "pinsvc.pid"))
	require.Contains(t, refuse(t, "", "-c", folder, "reload"), "no daemon runs")

	d = startDaemon(t, folder)
	require.NoError(t, d.cmd.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool { return strings.Contains(d.errs.String(), "the credentials were read again") },
		patient, 10*time.Millisecond)
	require.Zero(t, d.end(t, syscall.SIGTERM))
	require.NoFileExists(t, filepath.Join(folder, "pinsvc.pid"))
}

func TestPasswd(t *testing.T) {
	folder := newFolder(t)
	passwd := func(args ...string) []string { return append([]string{"-c", folder, "passwd"}, args...) }
	r := execute(t, "short\r\n", passwd("anna")...)
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "api.pinsvcapi and api.restapi")
	require.Contains(t, r.err, "Warning: the password is shorter")
	cfg, err := loadService(folder)
	require.NoError(t, err)
	require.Len(t, cfg.BasicAuthCredentials, 2)
	require.True(t, strings.HasPrefix(cfg.BasicAuthCredentials["anna"], "$2"))

	before, err := os.ReadFile(filepath.Join(folder, "service.json"))
	require.NoError(t, err)
	for _, c := range []struct{ in, user, wants string }{
		{"a long password\n", "", "admin, anna"},
		{"a long password\n", "a:b", `"a:b"`},
		{"", "anna", "empty"},
		{"\n", "anna", "empty"},
		{strings.Repeat("x", 73), "anna", "72 bytes"},
	} {
		args := passwd()
		if c.user != "" {
			args = passwd(c.user)
		}
		require.Contains(t, refuse(t, c.in, args...), c.wants)
	}
	after, err := os.ReadFile(filepath.Join(folder, "service.json"))
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
	require.Contains(t, refuse(t, "x\n", "-c", t.TempDir(), "passwd"), "service.json")

	t.Setenv("CLUSTER_RESTAPI_BASICAUTHCREDENTIALS", "anna:long password")
	r = execute(t, "a long password", passwd("anna")...)
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.err, "CLUSTER_RESTAPI_BASICAUTHCREDENTIALS is set")
}

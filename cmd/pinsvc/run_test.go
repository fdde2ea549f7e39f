package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMistakesOnTheCommandLine(t *testing.T) {
	isolate(t)
	folder := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		name  string
		args  []string
		wants string
	}{
		{"an unknown flag", []string{"daemon", "--frobnicate"}, "unknown flag: --frobnicate (see 'pinsvc daemon --help')"},
		{"an unknown short flag", []string{"-z"}, "see 'pinsvc --help'"},
		{"an unknown command", []string{"demon"}, `unknown command "demon" for "pinsvc" (see 'pinsvc --help')`},
		{"an unknown command of state", []string{"state", "exprt"}, `unknown command "exprt" for "pinsvc state" (see 'pinsvc state --help')`},
		{"an argument too many", []string{"daemon", "superfluous"}, "superfluous"},
		{"a log level", []string{"--loglevel", "shouting", "daemon"}, `unknown log level "shouting"`},
		{"a component's log level", []string{"-l", "info,cluster:shouting", "daemon"}, `unknown log level "shouting"`},
		{"no folder", []string{"daemon"}, folder},
		{"no folder, no command", nil, folder},
		{"no folder for a token", []string{"token"}, folder},
		{"no folder to export", []string{"state", "export"}, folder},
		{"no folder to clean", []string{"state", "cleanup", "-f"}, folder},
		{"no file to import", []string{"state", "import", "-f", "/not/there"}, "/not/there"},
		{"no address to bootstrap from", []string{"daemon", "--bootstrap", "nonsense"}, "--bootstrap nonsense"},
		{"an address without a peer", []string{"daemon", "-j", "/ip4/127.0.0.1/tcp/1"}, "--bootstrap /ip4/127.0.0.1/tcp/1"},
		{"an unknown consensus", []string{"init", "--consensus", "paxos"}, "paxos"},
		{"an unknown datastore", []string{"init", "--datastore", "sql"}, "sql"},
		{"an unknown IPFS node", []string{"init", "--ipfs", "carrier pigeons"}, "carrier pigeons"},
		{"a token that has expired", []string{"token", "--expires-in", "-1h"}, "--expires-in"},
		{"a token that ends at once", []string{"token", "--expires-in", "0s"}, "--expires-in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, refuse(t, "", append([]string{"-c", folder}, c.args...)...), c.wants)
			require.NoDirExists(t, folder)
		})
	}
	t.Run("a log level in the environment", func(t *testing.T) {
		t.Setenv(logLevelVariable, "shouting")
		require.Contains(t, refuse(t, "", "version"), "shouting")
	})
}

// TestErrorsNameTheFolder: a command that an error tells the user to type is for the
// folder that was given, and not for the default one.
func TestErrorsNameTheFolder(t *testing.T) {
	isolate(t)
	for _, name := range []string{"plain", "with space and 'quote'"} {
		folder := filepath.Join(t.TempDir(), name)
		typed := strings.NewReplacer(" ", `\ `, "'", `\'`).Replace(folder)
		for _, command := range []string{"daemon", "status", "token", "passwd u", "state export", "verify"} {
			text := refuse(t, "", append([]string{"-c", folder}, strings.Fields(command)...)...)
			require.Contains(t, text, "'pinsvc --config "+typed+" init'", command)
			require.NotContains(t, text, "'pinsvc init'", command)
		}
		require.Contains(t, refuse(t, "", "-c", folder, "daemon"), "'pinsvc --config "+typed+" daemon --init'")
		require.Contains(t, refuse(t, "", "-c", folder, "daemon", "--frob"), "(see 'pinsvc daemon --help')")
	}
	t.Run("in the environment", func(t *testing.T) {
		t.Setenv(pathVariable, "/not/there")
		require.Contains(t, refuse(t, "", "daemon"), "'pinsvc --config /not/there init'")
	})
	t.Run("the default", func(t *testing.T) {
		t.Setenv("HOME", t.TempDir())
		require.Contains(t, refuse(t, "", "daemon"), "'pinsvc init'")
	})
}

func TestVersion(t *testing.T) {
	isolate(t)
	for _, args := range [][]string{{"version"}, {"--version"}} {
		out := succeed(t, "", args...)
		require.Regexp(t, `^pinsvc .*ipfs-cluster 1\.1\.6, commit .+\n$`, out)
	}
}

func TestHelpAndCompletion(t *testing.T) {
	isolate(t)
	t.Setenv("CLUSTER_SECRET", "c0ffee")
	t.Setenv("CLUSTER_PINSVCAPI_BASICAUTHCREDENTIALS", "u:sesame")
	help := succeed(t, "", "--help")
	for _, command := range []string{"init", "daemon", "reload", "token", "passwd", "state", "version", "completion"} {
		require.Regexp(t, `(?m)^ +`+command+` `, help)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		require.Contains(t, succeed(t, "", "completion", shell), "pinsvc")
	}
	require.NotContains(t, help+succeed(t, "", "daemon", "--help"), "sesame")
	require.Contains(t, succeed(t, "", "state"), "export")
}

func TestFolder(t *testing.T) {
	isolate(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	succeed(t, "", "init")
	require.FileExists(t, filepath.Join(home, ".ipfs-cluster", "service.json"))

	elsewhere := t.TempDir()
	t.Setenv(pathVariable, filepath.Join(elsewhere, "a"))
	succeed(t, "", "init")
	require.FileExists(t, filepath.Join(elsewhere, "a", "service.json"))
	succeed(t, "", "init", "--config", filepath.Join(elsewhere, "b"))
	require.FileExists(t, filepath.Join(elsewhere, "b", "service.json"))
}

func TestInit(t *testing.T) {
	isolate(t)
	t.Setenv("CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS", "/ip4/0.0.0.0/tcp/1234")
	folder := filepath.Join(t.TempDir(), "peer")
	out := succeed(t, "", "-c", folder, "init")
	require.Contains(t, out, filepath.Join(folder, "service.json"))
	require.Contains(t, out, filepath.Join(folder, "identity.json"))
	require.Contains(t, out, "admin")
	line := regexp.MustCompile(`(?m)^ *ipfs pin remote service add pinsvc http://127\.0\.0\.1:1234 [\w-]+\.[\w-]+\.[\w-]+$`)
	require.Len(t, line.FindAllString(out, -1), 1, out)

	refused := refuse(t, "", "-c", folder, "init")
	require.Contains(t, refused, filepath.Join(folder, "service.json"))
	require.Contains(t, refused, "-f")

	again := succeed(t, "", "-c", folder, "init", "-f")
	require.Contains(t, again, "(kept)")
	require.Contains(t, again, "old one")
	require.NotEqual(t, line.FindString(out), line.FindString(again), "the password is another")
}

func TestInitSaysWhatItCannot(t *testing.T) {
	isolate(t)
	for _, c := range []struct{ name, variable, value, wants string }{
		{"a port of the system's choice", "CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS", "/ip4/127.0.0.1/tcp/0", "when it is ready"},
		{"several users", "CLUSTER_PINSVCAPI_BASICAUTHCREDENTIALS", "a:long password,b:long password", "a, b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(c.variable, c.value)
			out := succeed(t, "", "-c", filepath.Join(t.TempDir(), "peer"), "init")
			require.Contains(t, out, c.wants)
			require.NotContains(t, out, "long password")
		})
	}
}

func TestToken(t *testing.T) {
	folder := newFolder(t)
	t.Setenv("CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS", "/ip4/127.0.0.1/tcp/1234")
	jwt := `^[\w-]+\.[\w-]+\.[\w-]+\n$`
	require.Regexp(t, jwt, succeed(t, "", "-c", folder, "token"))
	require.Regexp(t, jwt, succeed(t, "", "-c", folder, "token", "--user", "admin", "--expires-in", "720h"))
	require.Regexp(t, `^ipfs pin remote service add mine http://127\.0\.0\.1:1234 [\w-]+\.[\w-]+\.[\w-]+\n$`,
		succeed(t, "", "-c", folder, "token", "--kubo", "mine"))
	require.Contains(t, refuse(t, "", "-c", folder, "token", "--user", "nobody"), `"nobody"`)
	require.Contains(t, refuse(t, "", "-c", folder, "token", "--kubo", "a b; rm"), "a b; rm")

	t.Setenv("CLUSTER_PINSVCAPI_BASICAUTHCREDENTIALS", "anna:long password,bert:long password")
	require.Contains(t, refuse(t, "", "-c", folder, "token"), "anna, bert")
	require.Regexp(t, jwt, succeed(t, "", "-c", folder, "token", "--user", "bert"))
}

func TestTokenWithoutUsers(t *testing.T) {
	for _, c := range []struct{ name, old, new, wants string }{
		{"open to all", `"basic_auth_credentials"`, `"x_basic_auth_credentials"`, "everybody may enter"},
		{"no such section", `"pinsvcapi"`, `"x_pinsvcapi"`, "no section api.pinsvcapi"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := newFolder(t)
			path := filepath.Join(folder, "service.json")
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), c.old, c.new, 2)), 0o600))
			require.Contains(t, refuse(t, "", "-c", folder, "token"), c.wants)
		})
	}
}

func TestEndpoint(t *testing.T) {
	folder := newFolder(t)
	for _, c := range []struct{ addrs, wants string }{
		{"/ip4/127.0.0.1/tcp/80", "http://127.0.0.1:80"},
		{"/ip4/0.0.0.0/tcp/80", "http://127.0.0.1:80"},
		{"/ip6/::/tcp/80", "http://[::1]:80"},
		{"/ip6/2001:db8::1/tcp/80", "http://[2001:db8::1]:80"},
		{"/unix/tmp/socket,/ip4/192.0.2.1/tcp/80", "http://192.0.2.1:80"},
		{"/dns4/pins.example.com/tcp/80", "http://pins.example.com:80"},
		{"/unix/tmp/socket", ""},
		{"/ip4/127.0.0.1/tcp/0", ""},
	} {
		t.Run(c.addrs, func(t *testing.T) {
			t.Setenv("CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS", c.addrs)
			cfg, err := loadService(folder)
			require.NoError(t, err)
			url, err := endpoint(cfg)
			if c.wants == "" {
				require.ErrorContains(t, err, "http_listen_multiaddress")
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.wants, url)
			cfg.SSLCertFile = "cert.pem"
			url, err = endpoint(cfg)
			require.NoError(t, err)
			require.Equal(t, strings.Replace(c.wants, "http:", "https:", 1), url)
		})
	}
}

const exported = `{"replication_factor_min":-1,"replication_factor_max":-1,"name":"n","mode":"recursive",` +
	`"shard_size":0,"user_allocations":null,"expire_at":"0001-01-01T00:00:00Z","metadata":null,"pin_update":null,` +
	`"origins":[],"cid":"bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy","type":"pin",` +
	`"allocations":[],"max_depth":-1,"reference":null,"timestamp":"2020-01-01T00:00:00Z"}` + "\n"

func TestState(t *testing.T) {
	folder := newFolder(t)
	file := filepath.Join(t.TempDir(), "pins.json")
	state := func(args ...string) []string { return append([]string{"-c", folder, "state"}, args...) }

	require.Empty(t, succeed(t, "", state("export")...))
	succeed(t, exported, state("import", "-f")...)
	require.Equal(t, exported, succeed(t, "", state("export")...))

	require.Empty(t, succeed(t, "", state("export", "-f", file)...))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, exported, string(text))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	for _, answer := range []string{"", "n\n", "no\n", "\n"} {
		r := execute(t, answer, state("cleanup")...)
		require.Zero(t, r.code)
		require.Contains(t, r.err, "Continue?")
		require.Contains(t, r.err, errDeclined.Error())
		r = execute(t, answer, state("import", file)...)
		require.Zero(t, r.code)
	}
	require.Equal(t, exported, succeed(t, "", state("export")...), "no is no")

	succeed(t, "y\n", state("cleanup")...)
	require.Empty(t, succeed(t, "", state("export")...))
	succeed(t, "yes\n"+exported, state("import")...)
	require.Equal(t, exported, succeed(t, "", state("export")...), "the answer is not part of the pins")

	require.Contains(t, refuse(t, "nonsense", state("import", "-f")...), "nothing was changed")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "service.json"), []byte("{"), 0o600))
	require.Contains(t, refuse(t, "", state("export", "-f", file)...), "line 1")
	text, err = os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, exported, string(text), "an export that fails leaves the old file alone")
}

// TestDaemon runs the whole program in this process.
func TestDaemon(t *testing.T) {
	isolate(t)
	folder := filepath.Join(t.TempDir(), "peer")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, errs output
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"-c", folder, "daemon", "--init"}, streams{strings.NewReader(""), &out, &errs})
	}()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "service add") }, time.Minute, 10*time.Millisecond)
	ready := regexp.MustCompile(`(?m)^Ready: .*$`).FindAllString(out.String(), -1)
	require.Len(t, ready, 1)
	for _, section := range []string{"api.pinsvcapi http://127.0.0.1:", "api.restapi http://127.0.0.1:", "cluster /ip4/127.0.0.1/tcp/", "ipfs_connector.embedded /ip4/127.0.0.1/tcp/"} {
		require.Contains(t, ready[0], section)
	}
	requireIntroduced(t, out.String())
	require.Contains(t, refuse(t, "", "-c", folder, "daemon"), folder, "a second daemon")
	require.Contains(t, refuse(t, "", "-c", folder, "state", "export"), folder)
	require.Contains(t, refuse(t, "", "-c", folder, "init", "-f"), folder)

	stop()
	select {
	case code := <-ended:
		require.Zero(t, code, errs.String())
	case <-time.After(time.Minute):
		t.Fatal("still running")
	}
	require.Empty(t, errs.String())
}

// requireIntroduced checks that a first run says, when it is ready, all that a
// person needs to use the service.
func requireIntroduced(t *testing.T, out string) {
	t.Helper()
	const last = `(?m)^ *ipfs pin remote service add pinsvc http://127\.0\.0\.1:\d+ [\w-]+\.[\w-]+\.[\w-]+$`
	_, said, ready := strings.Cut(out, "Ready: ")
	require.True(t, ready)
	require.Regexp(t, last, said)
	require.Regexp(t, `(?m)^Endpoint: +http://127\.0\.0\.1:\d+$`, said)
	require.Regexp(t, `(?m)^User: +admin, with the password `, said)
	require.Regexp(t, `(?m)^IPFS node: +embedded`, said)
}

func TestDaemonRefuses(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busy.Close()
	port := strconv.Itoa(busy.Addr().(*net.TCPAddr).Port)
	folder := newFolder(t)
	t.Run("a busy port", func(t *testing.T) {
		t.Setenv("CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS", "/ip4/127.0.0.1/tcp/"+port)
		require.Contains(t, refuse(t, "", "-c", folder, "daemon"), port)
	})
	t.Run("an environment that is wrong", func(t *testing.T) {
		t.Setenv("CLUSTER_REPLICATIONFACTORMIN", "two")
		require.Contains(t, refuse(t, "", "-c", folder, "daemon"), "REPLICATIONFACTORMIN")
	})
}

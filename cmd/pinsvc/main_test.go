package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// isolate keeps the peers of a test off the usual ports and off the local
// network, and forgets what the caller's environment says. Processes that the
// test starts inherit it.
func isolate(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "CLUSTER_") || strings.HasPrefix(name, "IPFS_CLUSTER_") {
			t.Setenv(name, "")
			require.NoError(t, os.Unsetenv(name))
		}
	}
	for name, value := range map[string]string{
		"CLUSTER_LISTENMULTIADDRESS":               "/ip4/127.0.0.1/tcp/0",
		"CLUSTER_MDNSINTERVAL":                     "0s",
		"CLUSTER_MONITORPINGINTERVAL":              "1s",
		"CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS": "/ip4/127.0.0.1/tcp/0",
		"CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS":   "/ip4/127.0.0.1/tcp/0",
		"CLUSTER_IPFSPROXY_LISTENMULTIADDRESS":     "/ip4/127.0.0.1/tcp/0",
		// Nobody answers there, and nobody has to.
		"CLUSTER_IPFSHTTP_NODEMULTIADDRESS":     "/ip4/127.0.0.1/tcp/1",
		"CLUSTER_EMBEDDED_LISTENMULTIADDRESSES": "/ip4/127.0.0.1/tcp/0",
		"CLUSTER_EMBEDDED_JOINDHT":              "false",
		"CLUSTER_EMBEDDED_NATPORTMAP":           "false",
	} {
		t.Setenv(name, value)
	}
}

// output is what a command prints, to be read while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// result is what a command did.
type result struct {
	code     int
	out, err string
}

// execute runs a command line in this process.
func execute(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	code := run(t.Context(), args, streams{strings.NewReader(stdin), &out, &err})
	return result{code, out.String(), err.String()}
}

// succeed runs a command line that must not fail, and returns what it prints.
func succeed(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := execute(t, stdin, args...)
	require.Zero(t, r.code, r.err)
	return r.out
}

// refuse runs a command line that must fail with one line.
func refuse(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := execute(t, stdin, args...)
	require.Equal(t, 1, r.code)
	require.Equal(t, 1, strings.Count(r.err, "\n"), r.err)
	require.True(t, strings.HasPrefix(r.err, "pinsvc: "), r.err)
	return r.err
}

// newFolder makes the folder of a peer whose Kubo is away.
func newFolder(t *testing.T, flags ...string) string {
	t.Helper()
	isolate(t)
	folder := filepath.Join(t.TempDir(), "peer")
	succeed(t, "", append([]string{"--config", folder, "init", "--ipfs", "kubo"}, flags...)...)
	return folder
}

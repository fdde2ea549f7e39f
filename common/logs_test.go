package common

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ipfs/go-log/v2"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

// logsOf returns the lines, in JSON, that all loggers of the process write
// during a call, down to a level.
func logsOf(t testing.TB, level string, during func()) []string {
	t.Helper()
	require.NoError(t, log.SetLogLevel("*", level))
	defer func() { require.NoError(t, log.SetLogLevel("*", "error")) }()
	pipe := log.NewPipeReader()
	written := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(pipe)
		written <- all
	}()
	during()
	require.NoError(t, pipe.Close())
	return slices.Collect(strings.Lines(string(<-written)))
}

// auditOf returns the audit lines of a call.
func auditOf(t testing.TB, during func()) []map[string]any {
	t.Helper()
	var found []map[string]any
	for _, line := range logsOf(t, "info", during) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		if fields["logger"] == "audit" {
			found = append(found, fields)
		}
	}
	return found
}

func TestAudit(t *testing.T) {
	h := newTestHandler(t, func(cfg *Config) {
		cfg.BasicAuthCredentials = testUsers
		cfg.TrustedProxies = []string{"192.0.2.1"}
	})
	alice := []string{"Authorization", basic("alice", "secret"), "X-Forwarded-For", "203.0.113.9"}
	bearer, claims := issueToken(t, h, basic("bob", "secret of bob"))
	tests := map[string]struct {
		request request
		want    map[string]any // nil: no line
	}{
		"a write": {request{method: "POST", path: "/items?a=b", body: "x", header: alice},
			map[string]any{"user": "alice", "jti": "", "from": "203.0.113.9", "method": "POST", "path": "/items", "query": "a=b", "status": 202.}},
		"a write by token": {request{method: "DELETE", path: "/items/1%2F", header: []string{"Authorization", "Bearer " + bearer}},
			map[string]any{"user": "bob", "jti": claims["jti"], "from": "192.0.2.1", "method": "DELETE", "path": "/items/1%2F", "query": "", "status": 202.}},
		"a token": {request{method: "POST", path: "/token", header: alice},
			map[string]any{"user": "alice", "path": "/token", "status": 200.}},
		"a write that is refused": {request{method: "POST", path: "/items", header: []string{"Authorization", basic("alice", "wrong")}},
			map[string]any{"user": "", "path": "/items", "status": 401.}},
		"a write that fails": {request{method: "POST", path: "/noted", header: alice},
			map[string]any{"user": "alice", "path": "/noted", "status": 409., "item": "7"}},
		"no route":    {request{method: "PUT", path: "/items", header: alice}, map[string]any{"user": "alice", "method": "PUT", "status": 405.}},
		"a panic":     {request{method: "POST", path: "/panics", header: alice}, map[string]any{"user": "alice", "status": 500.}},
		"a read":      {request{method: "GET", path: "/items", header: alice}, nil},
		"HEAD":        {request{method: "HEAD", path: "/items", header: alice}, nil},
		"a preflight": {preflight("/items", "POST", ""), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			lines := auditOf(t, func() { test.request.send(h) })
			if test.want == nil {
				require.Empty(t, lines)
				return
			}
			require.Len(t, lines, 1)
			require.Equal(t, "fakeapi", lines[0]["api"])
			require.NotEmpty(t, lines[0]["took"])
			for field, value := range test.want {
				require.Equal(t, value, lines[0][field], field)
			}
		})
	}
}

func TestNoteWithoutAHandler(t *testing.T) {
	require.NotPanics(t, func() { Note(t.Context(), "item", "1") })
}

// Whatever happens, and whatever the levels are, no secret is written.
func TestNoSecretsInLogs(t *testing.T) {
	hash, err := auth.HashPassword("hunter2 hunter2")
	require.NoError(t, err)
	h := newTestHandler(t, func(cfg *Config) {
		cfg.BasicAuthCredentials = auth.Users{"alice": "hunter2", "bob": hash}
		cfg.MaxAuthFailures = 20 // some requests are answered with 429
	})
	token, _ := issueToken(t, h, basic("bob", "hunter2 hunter2"))
	credentials := []string{
		basic("alice", "hunter2"), basic("bob", "hunter2 hunter2"), basic("alice", "hunter2wrong"), basic("bob", "hunter2wrong"),
		"Bearer " + token, "Bearer " + token + "x", "Digest hunter2", "Basic hunter2", "Bearer hunter2",
	}
	h.throttle.Interval = 0
	lines := logsOf(t, "debug", func() {
		for _, c := range credentials {
			for _, route := range append(fakeAPI().Routes, h.ownRoutes()...) {
				if route.Path == "/abort" || route.Path == "/streampanics" || route.Path == "/streamfailslate" || route.Path == "/slow" {
					continue
				}
				request{method: route.Method, path: strings.ReplaceAll(route.Path, "{id}", "1"), body: `{"expires_in":"1h"}`,
					header: []string{"Authorization", c, "Origin", page}}.send(h)
			}
		}
	})
	require.Greater(t, len(lines), 100)
	signature := token[strings.LastIndex(token, ".")+1:]
	for _, line := range lines {
		for _, secret := range []string{"hunter2", hash, token, signature, strings.TrimPrefix(credentials[0], "Basic ")} {
			require.NotContains(t, line, secret)
		}
	}
	require.True(t, slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, `"logger":"audit"`) }))
	require.True(t, slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, `"logger":"fakeapilog"`) }))
}

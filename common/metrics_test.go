package common

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

func TestMetrics(t *testing.T) {
	h := newTestHandler(t, func(cfg *Config) { cfg.BasicAuthCredentials = map[string]string{"alice": "wonderland of 1865"} })
	right := []string{"Authorization", basic("alice", "wonderland of 1865")}
	for _, r := range []request{
		{method: "GET", path: "/items/1", header: right},
		{method: "GET", path: "/items/2/", header: right},
		{method: "POST", path: "/items/2", header: right},
		{method: "GET", path: "/nowhere", header: right},
		{method: "GET", path: "/panic", header: right},
		{method: "GET", path: "/items"},
		{method: "BREW", path: "/items", header: []string{"Authorization", "Tea pot"}},
		{method: "GET", path: "/items", header: []string{"Authorization", basic("alice", "wrong")}},
		{method: "GET", path: "/items", header: []string{"Authorization", "Bearer x"}},
		{method: "GET", path: "/health"},
	} {
		r.send(h)
	}
	require.NoError(t, testutil.CollectAndCompare(h.Collector(), strings.NewReader(`
# HELP pinsvc_http_rejected_credentials_total Requests refused for their credentials, by scheme (none, basic, bearer, other) and status.
# TYPE pinsvc_http_rejected_credentials_total counter
pinsvc_http_rejected_credentials_total{api="fakeapi",scheme="basic",status="401"} 1
pinsvc_http_rejected_credentials_total{api="fakeapi",scheme="bearer",status="401"} 1
pinsvc_http_rejected_credentials_total{api="fakeapi",scheme="none",status="401"} 1
pinsvc_http_rejected_credentials_total{api="fakeapi",scheme="other",status="401"} 1
# HELP pinsvc_http_requests_total Requests that were answered, by route, method and status.
# TYPE pinsvc_http_requests_total counter
pinsvc_http_requests_total{api="fakeapi",method="GET",route="/health",status="204"} 1
pinsvc_http_requests_total{api="fakeapi",method="GET",route="/items/{id}",status="200"} 2
pinsvc_http_requests_total{api="fakeapi",method="GET",route="/panic",status="500"} 1
pinsvc_http_requests_total{api="fakeapi",method="GET",route="none",status="401"} 3
pinsvc_http_requests_total{api="fakeapi",method="GET",route="none",status="404"} 1
pinsvc_http_requests_total{api="fakeapi",method="POST",route="none",status="405"} 1
pinsvc_http_requests_total{api="fakeapi",method="other",route="none",status="401"} 1
`), "pinsvc_http_requests_total", "pinsvc_http_rejected_credentials_total"))
	require.Equal(t, 6, testutil.CollectAndCount(h.Collector(), "pinsvc_http_request_duration_seconds"))
	problems, err := testutil.CollectAndLint(h.Collector())
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestReady(t *testing.T) {
	var reasons []string
	api := fakeAPI()
	api.Unready = func(ctx context.Context) []string {
		_, bounded := ctx.Deadline()
		require.True(t, bounded)
		return reasons
	}
	h, err := NewHandler(Config{}, auth.NewCredentials(map[string]string{}), api)
	require.NoError(t, err)

	w := request{method: "GET", path: "/ready"}.send(h)
	require.Equal(t, 200, w.Code, "nobody may enter, but this is open")
	require.JSONEq(t, `{"ready":true,"reasons":[]}`, w.Body.String())

	api.Warnings = func(context.Context) []string { return []string{"a peer is behind"} }
	h, err = NewHandler(Config{}, auth.NewCredentials(map[string]string{}), api)
	require.NoError(t, err)
	w = request{method: "GET", path: "/ready"}.send(h)
	require.Equal(t, 200, w.Code, "it is told, and the peer is ready")
	require.JSONEq(t, `{"ready":true,"reasons":[],"warnings":["a peer is behind"]}`, w.Body.String())
	api.Warnings = nil
	h, err = NewHandler(Config{}, auth.NewCredentials(map[string]string{}), api)
	require.NoError(t, err)

	reasons = []string{"no leader", "the IPFS node does not answer"}
	w = request{method: "GET", path: "/ready"}.send(h)
	require.Equal(t, 503, w.Code)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
	var got readiness
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	require.Equal(t, readiness{Reasons: reasons}, got)
}

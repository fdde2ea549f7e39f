package restapi

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// A browser gets a page, and is not asked for a password.
func TestFrontPage(t *testing.T) {
	cfg := DefaultConfig()
	cfg.BasicAuthCredentials = map[string]string{"alice": "a-secret-password"}
	a, err := New(cfg)
	require.NoError(t, err)
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	req.Host = "127.0.0.1:9094"
	req.Header.Set("Accept", "text/html,*/*;q=0.8")
	rec := httptest.NewRecorder()
	a.ServeHTTP(rec, req)
	require.Equal(t, http.StatusOK, rec.Code)
	require.Empty(t, rec.Header().Values("WWW-Authenticate"))
	require.Contains(t, rec.Body.String(),
		"ipfs-cluster-ctl --host /ip4/127.0.0.1/tcp/9094 --force-http --basic-auth NAME:PASSWORD id")
	require.NotContains(t, rec.Body.String(), "alice")

	req.Header.Set("Accept", "*/*")
	rec = httptest.NewRecorder()
	a.ServeHTTP(rec, req)
	require.Equal(t, http.StatusUnauthorized, rec.Code)
	require.Len(t, rec.Header().Values("WWW-Authenticate"), 2)
}

func TestCtlOptions(t *testing.T) {
	for address, want := range map[string]string{
		"http://localhost:9094":       " --host /ip4/127.0.0.1/tcp/9094 --force-http --basic-auth NAME:PASSWORD",
		"http://[::1]:9094":           " --host /ip6/::1/tcp/9094 --force-http --basic-auth NAME:PASSWORD",
		"https://cluster.example.com": " --host /dns4/cluster.example.com/tcp/443 --https --basic-auth NAME:PASSWORD",
		"http://cluster.example.com":  " --host /dns4/cluster.example.com/tcp/80 --force-http --basic-auth NAME:PASSWORD",
	} {
		u, err := url.Parse(address)
		require.NoError(t, err)
		require.Equal(t, want, ctlOptions(u, false))
	}
	require.Equal(t, " --host /ip4/10.0.0.1/tcp/1", ctlOptions(&url.URL{Scheme: "http", Host: "10.0.0.1:1"}, true))
	require.Equal(t, " --host /dns4/HOST/tcp/443 --https", ctlOptions(nil, true))
}

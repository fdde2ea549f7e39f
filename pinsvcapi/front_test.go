package pinsvcapi

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/webpage"
)

// browser is the Accept header of Chromium's address bar.
const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"

func withUsers(t *testing.T) *API {
	t.Helper()
	cfg := DefaultConfig()
	cfg.BasicAuthCredentials = map[string]string{"alice": "a-secret-password"}
	a, err := New(cfg, WithCluster(newFakeCluster()), WithOptions(common.Options{Ready: make(chan struct{})})) // never ready
	require.NoError(t, err)
	return a
}

func get(a *API, method, target, accept string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, target, nil)
	req.Host = "127.0.0.1:9097"
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	rec := httptest.NewRecorder()
	a.ServeHTTP(rec, req)
	return rec
}

// A browser gets a page without being asked for a password, from a peer that is
// not ready, too; its links lead to pages that are there.
func TestFrontPage(t *testing.T) {
	a := withUsers(t)
	rec := get(a, http.MethodGet, "/", browser)
	require.Equal(t, http.StatusOK, rec.Code)
	require.Empty(t, rec.Header().Values("WWW-Authenticate"))
	checkContract(t, http.MethodGet, "/", "", rec)
	text := rec.Body.String()
	require.Contains(t, text, "ipfs pin remote service add pinsvc http://127.0.0.1:9097 TOKEN")
	require.NotContains(t, text, "alice")
	require.NotContains(t, text, "console", "no link to what is not there")
	require.Less(t, len(text), 8<<10)

	links := regexp.MustCompile(`href="([^":]+)"`).FindAllStringSubmatch(text, -1)
	require.Len(t, links, 3)
	for _, link := range links {
		require.NotContains(t, link[1][:1], "/", "relative, for proxies with a path")
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			linked := get(a, method, "/"+link[1], browser)
			require.Equal(t, http.StatusOK, linked.Code, link[1])
			checkContract(t, method, "/"+link[1], "", linked)
		}
	}
	head := get(a, http.MethodHead, "/", browser)
	require.Equal(t, http.StatusOK, head.Code)
	require.Empty(t, head.Body.String())
	require.Equal(t, rec.Header().Get("Content-Length"), head.Header().Get("Content-Length"))
}

// With open credentials nobody is told to get a token first.
func TestFrontPageWithoutUsers(t *testing.T) {
	a, err := New(DefaultConfig(), WithCluster(newFakeCluster()))
	require.NoError(t, err)
	text := get(a, http.MethodGet, "/", browser).Body.String()
	require.Contains(t, text, "asks for no credentials")
	require.NotContains(t, text, "/token")
}

// The reference is the page of the document, with the one style that its policy
// allows.
func TestReferencePage(t *testing.T) {
	rec := get(withUsers(t), http.MethodGet, "/api.html", "*/*")
	require.Equal(t, http.StatusOK, rec.Code)
	require.Equal(t, webpage.Policy(), rec.Header().Get("Content-Security-Policy"))
	text := rec.Body.String()
	for path, item := range document(t).Paths.Map() {
		for method := range item.Operations() {
			require.Contains(t, text, "<code>"+method+" "+path+"</code></h2>")
		}
	}
	require.NotContains(t, strings.ToLower(text), "<script")
}

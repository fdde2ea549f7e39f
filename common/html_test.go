package common

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

func TestPrefersHTML(t *testing.T) {
	for accept, want := range map[string]bool{
		"":    false,
		"*/*": false,
		"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8": true, // Chromium
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8":            true, // Firefox, Safari
		"text/html":                                    true,
		"TEXT/HTML; charset=utf-8":                     true,
		"text/html, */*":                               true,
		"text/html;q=0.5, */*;q=0.5":                   true,
		"text/html;q=0.5, */*":                         false,
		"text/html;q=0":                                false,
		"text/html;q=0, */*;q=0":                       false,
		"text/html;q=x":                                false,
		"text/html;q=2":                                false,
		"text/html;q=NaN":                              false,
		"text/*":                                       false,
		"application/json":                             false,
		"application/json, text/html":                  false,
		"application/json, text/html, */*":             false,
		"application/json;q=0.9, text/html":            true,
		"application/json;q=0, text/html;q=0.1, */*":   true,
		"application/json, text/plain, */*":            false, // axios
		"application/*, text/html;q=0.9":               false,
		"image/avif,image/webp,*/*;q=0.8":              false,
		"text/html;;;, garbage//, ,,;q=1":              false,
		"application/vnd.ipld.raw, text/html-ish, */*": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if accept != "" {
			r.Header.Set("Accept", accept)
		}
		require.Equal(t, want, prefersHTML(r), accept)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header["Accept"] = []string{"application/json;q=0.1", "text/html"}
	require.True(t, prefersHTML(r), "two lines are one list")
}

// pagedHandler is the fake API with a page, with users or without.
func pagedHandler(t *testing.T, users map[string]string, change func(*Config)) *Handler {
	t.Helper()
	cfg := DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	api := fakeAPI()
	api.Routes = append(api.Routes, Route{Method: "GET", Path: "/", Open: true, HTML: true,
		Stream: func(w http.ResponseWriter, r *http.Request) error {
			address := "none"
			if a := AddressOf(r); a != nil {
				address = a.String()
			}
			_, _ = io.WriteString(w, address)
			return nil
		}})
	h, err := NewHandler(cfg, auth.NewCredentials(users), api)
	require.NoError(t, err)
	return h
}

// Only a request for HTML sees the route; to all others it is what it was before,
// and a cache can tell them apart.
func TestRouteForHTML(t *testing.T) {
	users := map[string]string{"alice": "secret"}
	with, without := pagedHandler(t, users, nil), newTestHandler(t, func(c *Config) { c.BasicAuthCredentials = users })
	html := []string{"Accept", "text/html,*/*;q=0.8"}
	right := []string{"Authorization", "Bearer wrong", "Accept", "text/html"}
	for _, c := range []struct {
		request request
		page    bool
	}{
		{request{method: "GET", path: "/", header: html}, true},
		{request{method: "HEAD", path: "/", header: html}, true},
		{request{method: "GET", path: "//", header: html}, true},
		{request{method: "GET", path: "/?a=b", header: html}, true},
		{request{method: "GET", path: "/", header: right}, true},
		{request{method: "GET", path: "/"}, false},
		{request{method: "HEAD", path: "/"}, false},
		{request{method: "GET", path: "/", header: []string{"Accept", "*/*"}}, false},
		{request{method: "GET", path: "/", header: []string{"Accept", "application/json"}}, false},
		{request{method: "POST", path: "/", header: html}, false},
		{request{method: "GET", path: "/items", header: html}, false},
		{request{method: "GET", path: "/nothing", header: html}, false},
	} {
		got := c.request.send(with)
		atRoot := c.request.path != "/items" && c.request.path != "/nothing" && c.request.method != "POST"
		require.Equal(t, atRoot, got.Header().Get("Vary") != "" && got.Header().Values("Vary")[len(got.Header().Values("Vary"))-1] == "Accept", c)
		if c.page {
			require.Equal(t, 200, got.Code, c)
			require.Empty(t, got.Header().Get("WWW-Authenticate"))
			continue
		}
		want := c.request.send(without)
		require.Equal(t, want.Code, got.Code, c)
		require.Equal(t, want.Body.String(), got.Body.String(), c)
		got.Header()["Vary"], want.Header()["Vary"] = nil, nil
		require.Equal(t, want.Header(), got.Header(), c)
	}
	open := pagedHandler(t, nil, nil)
	require.Equal(t, 404, request{method: "GET", path: "/", header: []string{"Accept", "*/*"}}.send(open).Code)
	post := request{method: "POST", path: "/", header: html}.send(open)
	require.Equal(t, 405, post.Code)
	require.Equal(t, "GET, HEAD", post.Header().Get("Allow"))
}

func TestRouteForHTMLIsOpen(t *testing.T) {
	api := fakeAPI()
	api.Routes = append(api.Routes, Route{Method: "GET", Path: "/", HTML: true, Stream: func(http.ResponseWriter, *http.Request) error { return nil }})
	_, err := NewHandler(DefaultConfig(), auth.NewCredentials(nil), api)
	require.ErrorContains(t, err, "HTML")
}

func TestAddressOf(t *testing.T) {
	h := pagedHandler(t, nil, func(c *Config) { c.TrustedProxies = []string{"10.0.0.1"}; c.AllowedHosts = []string{"*"} })
	const proxy, stranger = "10.0.0.1:5000", "203.0.113.7:5000"
	for name, c := range map[string]struct {
		remote, host string
		tls          bool
		header       []string
		want         string
	}{
		"as it is":       {stranger, "pins.example.com:9097", false, nil, "http://pins.example.com:9097"},
		"TLS":            {stranger, "pins.example.com", true, nil, "https://pins.example.com"},
		"IPv6":           {stranger, "[::1]:9097", false, nil, "http://[::1]:9097"},
		"no host":        {stranger, "", false, nil, "none"},
		"markup":         {stranger, "<b>", false, nil, "none"},
		"shell":          {stranger, "a$(id)", false, nil, "none"},
		"spaces":         {stranger, "a b", false, nil, "none"},
		"an option":      {stranger, "-x", false, nil, "none"},
		"user":           {stranger, "u:p@host", false, nil, "none"},
		"not believed":   {stranger, "a", false, []string{"X-Forwarded-Proto", "https", "X-Forwarded-Prefix", "/p"}, "http://a"},
		"believed":       {proxy, "a", false, []string{"X-Forwarded-Proto", "https", "X-Forwarded-Prefix", "/p/q/"}, "https://a/p/q"},
		"http there":     {proxy, "a", false, []string{"X-Forwarded-Proto", "http", "X-Forwarded-For", "1.2.3.4"}, "http://a"},
		"not said":       {proxy, "a", false, []string{"X-Forwarded-For", "1.2.3.4"}, "https://a"},
		"no scheme":      {proxy, "a", false, []string{"X-Forwarded-Proto", "javascript"}, "http://a"},
		"no path":        {proxy, "a", false, []string{"X-Forwarded-Prefix", "/$(id)"}, "http://a"},
		"from itself":    {proxy, "a", false, nil, "http://a"},
		"a browser":      {stranger, "a", false, []string{"Sec-Fetch-Mode", "navigate"}, "https://a"},
		"of this one":    {stranger, "localhost:1", false, []string{"Sec-Fetch-Mode", "navigate"}, "http://localhost:1"},
		"by its address": {stranger, "127.0.0.1:1", false, []string{"Sec-Fetch-Mode", "navigate"}, "http://127.0.0.1:1"},
		"IPv6 of itself": {stranger, "[::1]:1", false, []string{"Sec-Fetch-Mode", "navigate"}, "http://[::1]:1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Host = c.remote, c.host
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		r.Header.Set("Accept", "text/html")
		for i := 0; i < len(c.header); i += 2 {
			r.Header.Set(c.header[i], c.header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, c.want, w.Body.String(), name)
	}
}

package webpage

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/auth"
)

const source = `{{define "title"}}T{{end}}{{define "about"}}A{{end}}{{define "main"}}<h1>{{.}}</h1>{{end}}`

func handler(t *testing.T, change func(*common.Config)) http.Handler {
	t.Helper()
	page, err := Parse(source)
	require.NoError(t, err)
	cfg := common.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	h, err := common.NewHandler(cfg, auth.NewCredentials(map[string]string{"a": "b"}), common.API{
		Name: "testapi",
		Routes: []common.Route{
			Front(page, func(r *http.Request) any { return Address(r, "<nowhere>") }),
			Static("/doc.html", "text/html; charset=utf-8", []byte("a document")),
			Icon(),
		},
		Failure: func(err error) *common.Failure { return &common.Failure{Status: 500, Cause: err} },
		Body:    func(f *common.Failure) any { return f.Reason },
	})
	require.NoError(t, err)
	return h
}

func send(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Accept", "text/html")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A page may show its own style and the icon, and do nothing else.
func TestPages(t *testing.T) {
	h := handler(t, nil)
	w := send(h, http.MethodGet, "/")
	require.Equal(t, 200, w.Code)
	text := w.Body.String()
	require.Contains(t, text, "<h1>http://example.com</h1>")
	styles := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(text, -1)
	require.Len(t, styles, 1)
	hash := sha256.Sum256([]byte(styles[0][1]))
	policy := w.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'", "the browser hashes what is between the tags")
	require.Contains(t, policy, "default-src 'none'")
	require.NotContains(t, policy, "unsafe")
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	for _, part := range []string{`<html lang="en">`, `name="viewport"`, "prefers-color-scheme:dark", "<title>T</title>"} {
		require.Contains(t, text, part)
	}
	for _, part := range []string{"<script", " style=", " src=", " on"} {
		require.NotContains(t, strings.ToLower(text), part)
	}
	require.NoError(t, xml.Unmarshal(icon, new(struct{ XMLName xml.Name })))
}

// What the request says is text on the page.
func TestPageEscapes(t *testing.T) {
	h := handler(t, nil)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept", "text/html")
	r.Host = "<b>"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Contains(t, w.Body.String(), "<h1>&lt;nowhere&gt;</h1>")
}

// Documents are kept by browsers, and asked for again.
func TestStatic(t *testing.T) {
	h := handler(t, nil)
	first := send(h, http.MethodGet, "/doc.html")
	require.Equal(t, "a document", first.Body.String())
	require.Equal(t, "no-cache", first.Header().Get("Cache-Control"))
	again := send(h, http.MethodGet, "/doc.html", "If-None-Match", first.Header().Get("ETag"))
	require.Equal(t, http.StatusNotModified, again.Code)
	require.Empty(t, again.Body.String())
	require.Equal(t, "image/svg+xml", send(h, http.MethodGet, "/favicon.ico", "Accept", "image/*").Header().Get("Content-Type"))
	require.Equal(t, 401, send(h, http.MethodPost, "/doc.html").Code)
}

// Package httpsend sends requests to HTTP handlers in tests.
package httpsend

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
)

// Request is a request to a handler.
type Request struct {
	Method, Path, Body string
	Header             []string // names and values in turn
}

// To returns a handler's response to the request.
func (r Request) To(h http.Handler) *httptest.ResponseRecorder {
	var body io.Reader
	if r.Body != "" {
		body = strings.NewReader(r.Body)
	}
	req := httptest.NewRequest(r.Method, r.Path, body)
	for i := 0; i < len(r.Header); i += 2 {
		req.Header.Add(r.Header[i], r.Header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

package common

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/httpsend"
)

// errKnown is the one error that the fake API's table knows.
var errKnown = errors.New("known")

// fakeAPI is a component with a route of every kind.
func fakeAPI() API {
	return API{
		Name: "fakeapi",
		Routes: []Route{
			{Method: "GET", Path: "/items", Status: 200, Handle: func(r *http.Request) (any, error) {
				return map[string]string{"html": "<&>"}, nil
			}},
			{Method: "POST", Path: "/items", Status: 202, Handle: func(r *http.Request) (any, error) {
				body, err := io.ReadAll(r.Body)
				return string(body), err
			}},
			{Method: "GET", Path: "/items/{id}", Status: 200, Handle: func(r *http.Request) (any, error) {
				return PathVar(r, "id")
			}},
			{Method: "DELETE", Path: "/items/{id}", Status: 202, Handle: func(r *http.Request) (any, error) {
				return nil, nil
			}},
			{Method: "GET", Path: "/whoami", Status: 200, Handle: func(r *http.Request) (any, error) {
				user, ok := auth.UserFrom(r.Context())
				return []any{user.Name, user.TokenID, ok}, nil
			}},
			{Method: "GET", Path: "/open", Status: 200, Open: true, Handle: func(r *http.Request) (any, error) {
				return "open", nil
			}},
			{Method: "GET", Path: "/known", Status: 200, Handle: func(r *http.Request) (any, error) {
				return nil, errKnown
			}},
			{Method: "GET", Path: "/unknown", Status: 200, Handle: func(r *http.Request) (any, error) {
				return nil, errors.New("a private matter")
			}},
			{Method: "GET", Path: "/panic", Status: 200, Handle: func(r *http.Request) (any, error) {
				panic("a private matter")
			}},
			{Method: "POST", Path: "/panics", Status: 200, Handle: func(r *http.Request) (any, error) {
				panic("a private matter")
			}},
			{Method: "POST", Path: "/noted", Status: 200, Handle: func(r *http.Request) (any, error) {
				Note(r.Context(), "item", "7")
				return nil, errKnown
			}},
			{Method: "GET", Path: "/abort", Stream: func(http.ResponseWriter, *http.Request) error {
				panic(http.ErrAbortHandler)
			}},
			{Method: "GET", Path: "/cannotencode", Status: 200, Handle: func(r *http.Request) (any, error) {
				return func() {}, nil
			}},
			{Method: "GET", Path: "/slow", Status: 200, Handle: func(r *http.Request) (any, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}},
			{Method: "POST", Path: "/stream", Stream: func(w http.ResponseWriter, r *http.Request) error {
				_, _ = io.Copy(w, r.Body)
				return nil
			}},
			{Method: "GET", Path: "/streamfails", Stream: func(http.ResponseWriter, *http.Request) error {
				return errKnown
			}},
			{Method: "GET", Path: "/streamfailslate", Stream: func(w http.ResponseWriter, _ *http.Request) error {
				_, _ = io.WriteString(w, "half of it")
				return errKnown
			}},
			{Method: "GET", Path: "/streampanics", Stream: func(w http.ResponseWriter, _ *http.Request) error {
				_, _ = io.WriteString(w, "half of it")
				panic("too late")
			}},
		},
		Failure: func(err error) *Failure {
			if errors.Is(err, errKnown) {
				return &Failure{Status: 409, Reason: "KNOWN", Details: "a known matter",
					Header: http.Header{"x-known": {"yes"}}, Cause: err}
			}
			return &Failure{Status: 500, Reason: "ODD", Details: "something odd", Cause: err}
		},
		Body: func(f *Failure) any { return map[string]string{"why": f.Reason, "text": f.Details} },
	}
}

func newTestHandler(t testing.TB, change func(*Config)) *Handler {
	cfg := DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	h, err := NewHandler(cfg, auth.NewCredentials(cfg.BasicAuthCredentials), fakeAPI())
	require.NoError(t, err)
	return h
}

// request is one line of a table: what is sent.
type request struct {
	method, path, body string
	header             []string // names and values in turn
}

func (r request) send(h http.Handler) *httptest.ResponseRecorder {
	return httpsend.Request{Method: r.method, Path: r.path, Body: r.body, Header: r.header}.To(h)
}

// why returns the reason in the body of a failure.
func why(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct{ Why, Text string }
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body), w.Body.String())
	require.NotEmpty(t, body.Text)
	return body.Why
}

// logBuffer is a file for an access log.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

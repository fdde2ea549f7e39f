package auth_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/httpsend"
)

// handler is the whole handler of an API with two routes, and what it
// authenticates by.
type handler struct {
	*common.Handler
	creds    *auth.Credentials
	throttle *auth.Throttle
}

func newHandler(t testing.TB, change func(*common.Config)) *handler {
	t.Helper()
	return newHandlerWith(t, auth.NewThrottle(), change)
}

func newHandlerWith(t testing.TB, throttle *auth.Throttle, change func(*common.Config)) *handler {
	t.Helper()
	cfg := common.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	creds := auth.NewCredentials(cfg.BasicAuthCredentials)
	h, err := common.NewHandler(cfg, creds, common.API{
		Name: "fakeapi",
		Routes: []common.Route{
			{Method: "GET", Path: "/items", Status: 200, Handle: func(*http.Request) (any, error) { return "items", nil }},
			{Method: "GET", Path: "/whoami", Status: 200, Handle: func(r *http.Request) (any, error) {
				user, ok := auth.UserFrom(r.Context())
				return []any{user.Name, user.TokenID, ok}, nil
			}},
		},
		Failure: func(err error) *common.Failure { return &common.Failure{Status: 500, Cause: err} },
		Body:    func(f *common.Failure) any { return map[string]string{"why": f.Reason, "text": f.Details} },
	}, common.WithThrottle(throttle))
	require.NoError(t, err)
	return &handler{h, creds, throttle}
}

// request is what is sent.
type request struct {
	method, path, body string
	header             []string // names and values in turn
}

func (r request) send(h http.Handler) *httptest.ResponseRecorder {
	return httpsend.Request{Method: r.method, Path: r.path, Body: r.body, Header: r.header}.To(h)
}

// failure returns the reason and the details in the body of a failure.
func failure(t testing.TB, w *httptest.ResponseRecorder) (why, text string) {
	t.Helper()
	var body struct{ Why, Text string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body), w.Body.String())
	require.NotEmpty(t, body.Text)
	return body.Why, body.Text
}

func why(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	why, _ := failure(t, w)
	return why
}

func text(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	_, text := failure(t, w)
	return text
}

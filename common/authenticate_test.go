package common

import (
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

var testUsers = auth.Users{"alice": "secret", "bob": "secret of bob"}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// token returns an Authorization header with a token that is signed with a key.
func token(t testing.TB, key string, claims jwt.MapClaims) string {
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(key))
	require.NoError(t, err)
	return "Bearer " + text
}

// issueToken returns a new token and its claims, without judging them.
func issueToken(t testing.TB, h *Handler, authorization string) (token string, claims jwt.MapClaims) {
	t.Helper()
	w := request{method: "POST", path: "/token", header: []string{"Authorization", authorization}}.send(h)
	require.Equal(t, 200, w.Code, w.Body.String())
	var body tokenResponse
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	_, _, err := jwt.NewParser().ParseUnverified(body.Token, &claims)
	require.NoError(t, err)
	return body.Token, claims
}

func TestWhatNeedsCredentials(t *testing.T) {
	preflight := []string{"Origin", "https://a", "Access-Control-Request-Method", "POST"}
	tests := []struct {
		request                 request
		open, closed, withAlice int
	}{
		{request{method: "GET", path: "/items"}, 200, 401, 200},
		{request{method: "GET", path: "/items/%2F"}, 200, 401, 200},
		{request{method: "GET", path: "/nothing"}, 404, 401, 404},
		{request{method: "PUT", path: "/items"}, 405, 401, 405},
		{request{method: "OPTIONS", path: "/items"}, 405, 401, 405},
		{request{method: "POST", path: "/stream"}, 200, 401, 200},
		{request{method: "GET", path: "/panic"}, 500, 401, 500},
		{request{method: "POST", path: "/token"}, 403, 401, 200},
		{request{method: "POST", path: "/health"}, 405, 401, 405},
		{request{method: "GET", path: "/open/x"}, 404, 401, 404},
		{request{method: "GET", path: "/%6Fpen"}, 200, 200, 200},
		{request{method: "GET", path: "//open"}, 200, 200, 200},
		{request{method: "GET", path: "//items"}, 200, 401, 200},
		{request{method: "GET", path: "/open//x"}, 404, 401, 404},
		{request{method: "GET", path: "/items%2F..%2Fopen"}, 404, 401, 404},
		{request{method: "GET", path: "/open"}, 200, 200, 200},
		{request{method: "GET", path: "/open/"}, 200, 200, 200},
		{request{method: "HEAD", path: "/open"}, 200, 200, 200},
		{request{method: "GET", path: "/health"}, 204, 204, 204},
		{request{method: "HEAD", path: "/health"}, 204, 204, 204},
		{request{method: "OPTIONS", path: "/items", header: preflight}, 204, 204, 204},
		{request{method: "OPTIONS", path: "/nothing", header: preflight}, 204, 204, 204},
	}
	open := newTestHandler(t, nil)
	users := newTestHandler(t, func(cfg *Config) { cfg.BasicAuthCredentials = testUsers })
	nobody := newTestHandler(t, func(cfg *Config) { cfg.BasicAuthCredentials = auth.Users{} })
	for _, test := range tests {
		t.Run(test.request.method+" "+test.request.path, func(t *testing.T) {
			require.Equal(t, test.open, test.request.send(open).Code, "open")
			require.Equal(t, test.closed, test.request.send(users).Code, "without credentials")
			require.Equal(t, test.closed, test.request.send(nobody).Code, "nobody may enter")
			with := test.request
			with.header = append(with.header[:len(with.header):len(with.header)], "Authorization", basic("alice", "secret"))
			require.Equal(t, test.withAlice, with.send(users).Code, "with credentials")
			require.Equal(t, test.closed, with.send(nobody).Code, "credentials of nobody")
		})
	}
}

// A request whose refusal is held back has no slot, and a right one passes it.
func TestRefusalsHoldNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHandler(t, func(cfg *Config) {
			cfg.BasicAuthCredentials = testUsers
			cfg.MaxAuthFailures = 1
			cfg.MaxConcurrentRequests = 1
		})
		guess := request{method: "GET", path: "/items", header: []string{"Authorization", "Bearer made.up.token"}}
		require.Equal(t, 401, guess.send(h).Code)
		refused := make(chan *httptest.ResponseRecorder)
		go func() { refused <- guess.send(h) }()
		synctest.Wait()
		require.Empty(t, refused, "it is held back")
		right := request{method: "GET", path: "/items", header: []string{"Authorization", basic("alice", "secret")}}
		require.Equal(t, 200, right.send(h).Code)
		w := <-refused
		require.Equal(t, 429, w.Code)
		require.Equal(t, ReasonTooManyRequests, why(t, w))
	})
}

// Clients with little time get their answer within it.
func TestWaitsKeepToTheTimeouts(t *testing.T) {
	l := limits{read: 4 * time.Second, write: time.Minute}
	require.Equal(t, 2*time.Second, l.part(auth.MaxHashWait))
	require.Equal(t, auth.MaxHashWait, limits{}.part(auth.MaxHashWait))
}

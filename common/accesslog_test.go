package common

import (
	"errors"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v4"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

func TestAccessLog(t *testing.T) {
	h := newTestHandler(t, func(cfg *Config) { cfg.BasicAuthCredentials = auth.Users{"alice": "hunter2", "bob b\n": "hunter2"} })
	alice := []string{"Authorization", basic("alice", "hunter2")}
	tests := map[string]struct {
		request request
		want    string // without the time of day, the size and the duration
	}{
		"a value":     {request{method: "GET", path: "/items?cid=a,b&x", header: alice}, `192.0.2.1 - alice "GET /items?cid=a,b&x HTTP/1.1" 200`},
		"no body":     {request{method: "DELETE", path: "/items/1", header: alice}, `192.0.2.1 - alice "DELETE /items/1 HTTP/1.1" 202`},
		"a stream":    {request{method: "POST", path: "/stream", body: "abc", header: alice}, `192.0.2.1 - alice "POST /stream HTTP/1.1" 200`},
		"an error":    {request{method: "GET", path: "/known", header: alice}, `192.0.2.1 - alice "GET /known HTTP/1.1" 409`},
		"a panic":     {request{method: "GET", path: "/panic", header: alice}, `192.0.2.1 - alice "GET /panic HTTP/1.1" 500`},
		"nobody":      {request{method: "GET", path: "/items"}, `192.0.2.1 - - "GET /items HTTP/1.1" 401`},
		"wrong":       {request{method: "GET", path: "/health", header: []string{"Authorization", basic("alice", "hunter2 wrong")}}, `192.0.2.1 - - "GET /health HTTP/1.1" 204`},
		"a token":     {request{method: "GET", path: "/items", header: []string{"Authorization", token(t, "hunter2", jwt.MapClaims{"iss": "alice"})}}, `192.0.2.1 - alice "GET /items HTTP/1.1" 200`},
		"odd user":    {request{method: "GET", path: "/items", header: []string{"Authorization", basic("bob b\n", "hunter2")}}, `192.0.2.1 - bob%20b%0A "GET /items HTTP/1.1" 200`},
		"odd path":    {request{method: "GET", path: "/items/%22%0Aa", header: alice}, `192.0.2.1 - alice "GET /items/%22%0Aa HTTP/1.1" 200`},
		"a preflight": {preflight("/items", "GET", ""), `192.0.2.1 - - "OPTIONS /items HTTP/1.1" 204`},
		"absolute":    {request{method: "GET", path: "http://eve:hunter2@example.com/health"}, `192.0.2.1 - - "GET /health HTTP/1.1" 204`},
	}
	form := regexp.MustCompile(`^(\S+ - \S+) \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] (".*" \d+) (\d+|-) [0-9.]+[µm]?s\n$`)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var file logBuffer
			h.access.writeTo(&file)
			w := test.request.send(h)
			line := file.String()
			parts := form.FindStringSubmatch(line)
			require.NotNil(t, parts, "%q", line)
			require.Equal(t, test.want, parts[1]+" "+parts[2])
			if name == "a panic" { // it is answered after the line was written
				require.Equal(t, "-", parts[3])
			} else {
				require.Equal(t, strconv.Itoa(w.Body.Len()), parts[3])
			}
			for _, secret := range []string{"hunter2", "Bearer", "Basic"} {
				require.NotContains(t, line, secret)
			}
		})
	}
}

func TestRemoteInTheAccessLog(t *testing.T) {
	h := newTestHandler(t, nil)
	for remote, want := range map[string]string{
		"192.0.2.1:1234":    "192.0.2.1",
		"[2001:db8::1]:123": "2001:db8::1",
		"@":                 "unix",
		"":                  "unix",
		"12D3KooWPeer":      "12D3KooWPeer",
	} {
		var file logBuffer
		h.access.writeTo(&file)
		r := httptest.NewRequest("GET", "/health", nil)
		r.RemoteAddr = remote
		h.ServeHTTP(httptest.NewRecorder(), r)
		require.True(t, strings.HasPrefix(file.String(), want+" - - ["), file.String())
	}
}

type brokenFile struct{ writes int }

func (b *brokenFile) Write([]byte) (int, error) {
	b.writes++
	return 0, errors.New("no space left")
}

func TestBrokenAccessLogDoesNotStopRequests(t *testing.T) {
	h := newTestHandler(t, nil)
	file := &brokenFile{}
	h.access.writeTo(file)
	for range 3 {
		require.Equal(t, 204, request{method: "GET", path: "/health"}.send(h).Code)
	}
	require.Equal(t, 3, file.writes, "it is tried again each time")
	h.access.writeTo(nil)
	require.Equal(t, 204, request{method: "GET", path: "/health"}.send(h).Code)
}

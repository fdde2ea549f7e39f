package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
	libtest "github.com/ipfs-cluster/ipfs-cluster/test"
	logging "github.com/ipfs/go-log/v2"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
	"github.com/ipfs-cluster/pinsvc/restapi"
)

// The two APIs have one layer for credentials, and are held against one table.

// testAPI is one of the APIs, with the library's mock of a peer behind it.
type testAPI struct {
	name    string
	handler http.Handler
	// failure checks the body of a failure, in the API's own form.
	failure func(t *testing.T, code int, body []byte)
	// routes are some that need credentials, with the status of a success.
	routes []testRoute
}

type testRoute struct {
	method, path, body string
	status             int
}

// Users of both apis: one password as it is, one as a hash.
const (
	plainPassword  = "a long plain password"
	hashedPassword = "a long hashed password"
)

func testUsers(t *testing.T) auth.Users {
	t.Helper()
	// Every failed attempt hashes, so this has to be quick.
	hash, err := bcrypt.GenerateFromPassword([]byte(hashedPassword), bcrypt.MinCost)
	require.NoError(t, err)
	return auth.Users{"alice": plainPassword, "bob": string(hash)}
}

// makeAPIs returns both APIs after a change of what their sections share.
func makeAPIs(t *testing.T, change func(*common.Config)) []testAPI {
	t.Helper()
	service := pinsvcapi.DefaultConfig()
	change(&service.Config)
	first, err := pinsvcapi.New(service)
	require.NoError(t, err)
	first.SetClient(libtest.NewMockRPCClient(t))

	rest := restapi.DefaultConfig()
	change(&rest.Config)
	second, err := restapi.New(rest)
	require.NoError(t, err)
	second.SetClient(libtest.NewMockRPCClient(t))

	cid := libtest.Cid1.String()
	return []testAPI{
		{"pinsvcapi", first, pinningServiceFailure, []testRoute{
			{"GET", "/pins", "", 200},
			{"GET", "/pins/" + cid, "", 200},
			{"POST", "/pins", "{}", 400},
			{"POST", "/pins/" + cid, "{}", 400},
			{"DELETE", "/pins/" + libtest.NotFoundCid.String(), "", 404},
			{"POST", "/token", "", 200},
			{"GET", "/nowhere", "", 404},
			{"PUT", "/pins", "", 405},
		}},
		{"restapi", second, restFailure, []testRoute{
			{"GET", "/id", "", 200},
			{"GET", "/pins", "", 200},
			{"POST", "/pins/" + cid, "", 200},
			{"POST", "/pins/ipfs/" + cid, "", 200},
			{"DELETE", "/pins/" + libtest.NotFoundCid.String(), "", 404},
			{"GET", "/allocations", "", 200},
			{"POST", "/add", "", 400},
			{"POST", "/token", "", 200},
			{"GET", "/nowhere", "", 404},
			{"PUT", "/pins", "", 405},
		}},
	}
}

func pinningServiceFailure(t *testing.T, _ int, body []byte) {
	t.Helper()
	var f struct {
		Error struct{ Reason, Details string }
	}
	require.NoError(t, json.Unmarshal(body, &f), "%s", body)
	require.Regexp(t, "^[A-Z_]+$", f.Error.Reason)
	require.NotEmpty(t, f.Error.Details)
}

func restFailure(t *testing.T, code int, body []byte) {
	t.Helper()
	var f struct {
		Code    int
		Message string
	}
	require.NoError(t, json.Unmarshal(body, &f), "%s", body)
	require.Equal(t, code, f.Code)
	require.NotEmpty(t, f.Message)
}

// send sends a request with a value of Authorization, or none.
func (d testAPI) send(r testRoute, authorization string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(r.method, r.path, strings.NewReader(r.body))
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, request)
	return w
}

func basicHeader(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func tokenHeader(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	text, err := jwt.NewWithClaims(method, claims).SignedString(key)
	require.NoError(t, err)
	return "Bearer " + text
}

// What a credential leads to.
const (
	enters   = ""
	noBearer = `Bearer realm="NAME"`
	badToken = `Bearer realm="NAME", error="invalid_token", error_description="`
)

// everyCredentials is every kind of credentials, as of now: with the second
// challenge that they are answered with, if they do not let in.
func everyCredentials(t *testing.T, users auth.Users) map[string]struct{ authorization, challenge string } {
	t.Helper()
	type row = struct{ authorization, challenge string }
	key := []byte(plainPassword)
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	hs256 := func(claims jwt.MapClaims) string { return tokenHeader(t, jwt.SigningMethodHS256, key, claims) }
	hashed, err := auth.IssueToken("bob", users["bob"], time.Hour)
	require.NoError(t, err)
	alice := hs256(jwt.MapClaims{"iss": "alice"})
	return map[string]row{
		"nothing":                  {"", noBearer},
		"another scheme":           {"Digest username=alice", noBearer},
		"Basic":                    {basicHeader("alice", plainPassword), enters},
		"Basic, hashed":            {basicHeader("bob", hashedPassword), enters},
		"Basic, wrong":             {basicHeader("alice", "wrong"), noBearer},
		"Basic, hashed, wrong":     {basicHeader("bob", "wrong"), noBearer},
		"Basic, the hash":          {basicHeader("bob", users["bob"]), noBearer},
		"Basic, of another":        {basicHeader("alice", hashedPassword), noBearer},
		"Basic, unknown":           {basicHeader("carol", plainPassword), noBearer},
		"Basic, empty":             {basicHeader("", ""), noBearer},
		"Basic, malformed":         {"Basic !", noBearer},
		"bearer, as older peers":   {alice, enters},
		"bearer, hashed":           {"Bearer " + hashed, enters},
		"bearer, in time":          {hs256(jwt.MapClaims{"iss": "alice", "iat": in(0), "nbf": in(0), "exp": in(time.Hour), "jti": "1"}), enters},
		"bearer, within leeway":    {hs256(jwt.MapClaims{"iss": "alice", "exp": in(-time.Second)}), enters},
		"bearer, expired":          {hs256(jwt.MapClaims{"iss": "alice", "exp": in(-5 * time.Minute)}), badToken},
		"bearer, too early":        {hs256(jwt.MapClaims{"iss": "alice", "nbf": in(24 * time.Hour)}), badToken},
		"bearer, of the future":    {hs256(jwt.MapClaims{"iss": "alice", "iat": in(24 * time.Hour)}), enters},
		"bearer, unknown user":     {hs256(jwt.MapClaims{"iss": "carol"}), badToken},
		"bearer, nobody's":         {hs256(jwt.MapClaims{}), badToken},
		"bearer, other password":   {tokenHeader(t, jwt.SigningMethodHS256, []byte("wrong"), jwt.MapClaims{"iss": "alice"}), badToken},
		"bearer, key of another":   {hs256(jwt.MapClaims{"iss": "bob"}), badToken},
		"bearer, by the hash":      {tokenHeader(t, jwt.SigningMethodHS256, []byte(users["bob"]), jwt.MapClaims{"iss": "bob"}), badToken},
		"bearer, empty key":        {tokenHeader(t, jwt.SigningMethodHS256, []byte{}, jwt.MapClaims{"iss": "alice"}), badToken},
		"bearer, HS384":            {tokenHeader(t, jwt.SigningMethodHS384, key, jwt.MapClaims{"iss": "alice"}), badToken},
		"bearer, none":             {tokenHeader(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, jwt.MapClaims{"iss": "alice"}), badToken},
		"bearer, altered":          {alice[:len(alice)-4] + "AAAA", badToken},
		"bearer, without a dot":    {"Bearer x", badToken},
		"bearer, the password":     {"Bearer " + plainPassword, badToken},
		"bearer, no signature":     {alice[:strings.LastIndex(alice, ".")+1], badToken},
		"lower case scheme":        {"basic " + strings.TrimPrefix(basicHeader("alice", plainPassword), "Basic "), enters},
		"bearer, lower case":       {"bearer " + strings.TrimPrefix(alice, "Bearer "), enters},
		"Basic credentials bearer": {"Bearer " + strings.TrimPrefix(basicHeader("alice", plainPassword), "Basic "), badToken},
	}
}

func TestCredentialsOfBothAPIs(t *testing.T) {
	users := testUsers(t)
	apis := makeAPIs(t, func(c *common.Config) {
		c.BasicAuthCredentials = users
		c.MaxAuthFailures = 0
	})
	for name, credentials := range everyCredentials(t, users) {
		for _, d := range apis {
			for _, route := range d.routes {
				t.Run(name+"/"+d.name+" "+route.method+" "+route.path, func(t *testing.T) {
					// A slow test outlives what is made for a minute.
					w := d.send(route, everyCredentials(t, users)[name].authorization)
					// Before who it is, nobody learns what there is.
					if credentials.challenge != enters {
						require.Equal(t, 401, w.Code, w.Body.String())
						challenges := w.Header().Values("WWW-Authenticate")
						require.Len(t, challenges, 2)
						require.Equal(t, `Basic realm="`+d.name+`", charset="UTF-8"`, challenges[0])
						bearer := challenges[1]
						if credentials.challenge == badToken { // then it goes on with why
							bearer = bearer[:min(len(bearer), len(strings.ReplaceAll(badToken, "NAME", d.name)))]
						}
						require.Equal(t, strings.ReplaceAll(credentials.challenge, "NAME", d.name), bearer)
					} else {
						require.NotEqual(t, 401, w.Code, w.Body.String())
						requireStatus(t, route, credentials.authorization, w)
						require.Empty(t, w.Header().Get("WWW-Authenticate"))
					}
					if w.Code >= 400 {
						require.Equal(t, "application/json", w.Header().Get("Content-Type"))
						d.failure(t, w.Code, w.Body.Bytes())
					}
				})
			}
		}
	}
}

// requireStatus knows that only Basic credentials issue tokens without an end.
func requireStatus(t *testing.T, r testRoute, authorization string, w *httptest.ResponseRecorder) {
	t.Helper()
	want := r.status
	if r.path == "/token" && strings.EqualFold(authorization[:6], "bearer") {
		want = 403
	}
	require.Equal(t, want, w.Code, w.Body.String())
}

// What needs no credentials, with and without.
func TestOpenAPIs(t *testing.T) {
	for name, users := range map[string]auth.Users{"users": testUsers(t), "nobody": {}, "everybody": nil} {
		for _, d := range makeAPIs(t, func(c *common.Config) { c.BasicAuthCredentials = users }) {
			t.Run(name+" "+d.name, func(t *testing.T) {
				require.Equal(t, 204, d.send(testRoute{method: "GET", path: "/health"}, "").Code)
				require.Equal(t, 204, d.send(testRoute{method: "GET", path: "/health"}, basicHeader("alice", "wrong")).Code)
				r := httptest.NewRequest("OPTIONS", "/pins", nil)
				r.Header.Set("Origin", "https://page.example")
				r.Header.Set("Access-Control-Request-Method", "GET")
				w := httptest.NewRecorder()
				d.handler.ServeHTTP(w, r)
				require.Equal(t, 204, w.Code)
				require.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
				for _, route := range d.routes {
					w := d.send(route, basicHeader("eve", ""))
					require.Equal(t, users != nil, w.Code == 401, "%v", route)
				}
			})
		}
	}
}

func TestTokensOfBothAPIs(t *testing.T) {
	users := testUsers(t)
	apis := makeAPIs(t, func(c *common.Config) { c.BasicAuthCredentials = users })
	other := makeAPIs(t, func(c *common.Config) {
		c.BasicAuthCredentials = auth.Users{"alice": "another password", "bob": users["bob"]}
	})
	for _, from := range apis {
		for user, password := range map[string]string{"alice": plainPassword, "bob": hashedPassword} {
			w := from.send(testRoute{"POST", "/token", `{"expires_in":"1h"}`, 200}, basicHeader(user, password))
			require.Equal(t, 200, w.Code)
			var answer struct{ Token string }
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
			for _, to := range apis {
				require.Equal(t, 200, to.send(to.routes[0], "Bearer "+answer.Token).Code, "from %s to %s", from.name, to.name)
			}
			for _, to := range other {
				want := map[string]int{"alice": 401, "bob": 200}[user]
				require.Equal(t, want, to.send(to.routes[0], "Bearer "+answer.Token).Code, "where %s is another", user)
			}
		}
	}
}

func TestGuessingAtBothAPIs(t *testing.T) {
	for _, d := range makeAPIs(t, func(c *common.Config) {
		c.BasicAuthCredentials = testUsers(t)
		c.MaxAuthFailures = 3
	}) {
		for range 3 {
			require.Equal(t, 401, d.send(d.routes[0], basicHeader("alice", "guess")).Code)
		}
		w := d.send(d.routes[0], basicHeader("alice", "guess"))
		require.Equal(t, 429, w.Code)
		require.NotEmpty(t, w.Header().Get("Retry-After"))
		d.failure(t, 429, w.Body.Bytes())
		require.Equal(t, 200, d.send(d.routes[0], basicHeader("alice", plainPassword)).Code)
	}
}

// No secret is written to any log, whatever its level.
func TestNoSecretsInLogs(t *testing.T) {
	require.NoError(t, logging.SetLogLevel("*", "debug"))
	defer func() { require.NoError(t, logging.SetLogLevel("*", "error")) }()
	pipe := logging.NewPipeReader()
	written := make(chan string)
	go func() {
		text, _ := io.ReadAll(pipe)
		written <- string(text)
	}()

	users := testUsers(t)
	apis := makeAPIs(t, func(c *common.Config) {
		c.BasicAuthCredentials = users
		c.MaxAuthFailures = 0
	})
	secrets := []string{plainPassword, hashedPassword, users["bob"]}
	for _, credentials := range everyCredentials(t, users) {
		if _, parameter, _ := strings.Cut(credentials.authorization, " "); len(parameter) > 20 {
			secrets = append(secrets, parameter[strings.LastIndex(parameter, ".")+1:])
		}
		for _, d := range apis {
			for _, route := range d.routes {
				d.send(route, credentials.authorization)
			}
		}
	}
	require.NoError(t, pipe.Close())
	text := <-written
	for _, facility := range []string{"audit", "pinsvcapilog", "restapilog"} {
		require.Contains(t, text, `"logger":"`+facility+`"`)
	}
	for _, secret := range secrets {
		if secret != "" {
			require.NotContains(t, text, secret)
		}
	}
}

package auth_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/auth"
)

func postToken(h *handler, authorization, body string) *httptest.ResponseRecorder {
	return request{method: "POST", path: "/token", body: body, header: []string{"Authorization", authorization}}.send(h)
}

// claimsOf returns the token of an answer and its claims, without judging them.
func claimsOf(t testing.TB, w *httptest.ResponseRecorder) (token string, claims jwt.MapClaims) {
	t.Helper()
	require.Equal(t, 200, w.Code, w.Body.String())
	var body map[string]string
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	require.Len(t, body, 1)
	_, _, err := jwt.NewParser().ParseUnverified(body["token"], &claims)
	require.NoError(t, err)
	return body["token"], claims
}

func TestPostToken(t *testing.T) {
	h := newHandler(t, func(cfg *common.Config) { cfg.BasicAuthCredentials = testUsers })
	forever := token(t, "secret", jwt.MapClaims{"iss": "alice"})
	day := token(t, "secret", jwt.MapClaims{"iss": "alice", "exp": at(24 * time.Hour)})
	tests := map[string]struct {
		authorization, body string
		lives               time.Duration // 0 for ever
		status              int
		want                string // in the details of a failure
	}{
		"no body":            {basic("alice", "secret"), "", 0, 200, ""},
		"blank":              {basic("alice", "secret"), " \n", 0, 200, ""},
		"empty":              {basic("alice", "secret"), `{}`, 0, 200, ""},
		"null":               {basic("alice", "secret"), `{"expires_in":null}`, 0, 200, ""},
		"30 days":            {basic("alice", "secret"), `{"expires_in":"720h"}`, 720 * time.Hour, 200, ""},
		"a second":           {basic("alice", "secret"), `{"expires_in":"1s"}`, time.Second, 200, ""},
		"bearer, ends":       {forever, `{"expires_in":"720h"}`, 720 * time.Hour, 200, ""},
		"bearer, ends first": {day, `{"expires_in":"23h"}`, 23 * time.Hour, 200, ""},

		"bearer, for ever":      {forever, "", 0, 403, "Basic"},
		"bearer, outlived":      {day, `{"expires_in":"25h"}`, 0, 403, "expires_in: "},
		"ending bearer, for ev": {day, `{}`, 0, 403, "Basic"},
		"no duration":           {basic("alice", "secret"), `{"expires_in":"soon"}`, 0, 400, `expires_in: "soon"`},
		"no unit":               {basic("alice", "secret"), `{"expires_in":"720"}`, 0, 400, "expires_in: "},
		"empty duration":        {basic("alice", "secret"), `{"expires_in":""}`, 0, 400, "expires_in: "},
		"number":                {basic("alice", "secret"), `{"expires_in":720}`, 0, 400, "expires_in: must be a string"},
		"zero":                  {basic("alice", "secret"), `{"expires_in":"0s"}`, 0, 400, "expires_in: must be at least 1s"},
		"negative":              {basic("alice", "secret"), `{"expires_in":"-1h"}`, 0, 400, "expires_in: must be at least 1s"},
		"too short":             {basic("alice", "secret"), `{"expires_in":"999ms"}`, 0, 400, "expires_in: must be at least 1s"},
		"too long":              {basic("alice", "secret"), `{"expires_in":"9999999h"}`, 0, 400, "expires_in: "},
		"mistyped":              {basic("alice", "secret"), `{"expire_in":"720h"}`, 0, 400, `"expire_in"`},
		"not JSON":              {basic("alice", "secret"), `expires_in=720h`, 0, 400, "body: "},
		"not an object":         {basic("alice", "secret"), `["720h"]`, 0, 400, "body: must be an object"},
		"two documents":         {basic("alice", "secret"), `{} {}`, 0, 400, "body: something follows"},
		"large":                 {basic("alice", "secret"), `{"expires_in":"` + strings.Repeat("1", 5000), 0, 413, "4096 bytes"},
		"wrong":                 {basic("alice", "wrong"), "", 0, 401, "wrong"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := postToken(h, test.authorization, test.body)
			require.Equal(t, test.status, w.Code, w.Body.String())
			require.Equal(t, []string{"no-store"}, w.Header().Values("Cache-Control"))
			if test.status != 200 {
				require.Contains(t, text(t, w), test.want)
				return
			}
			token, claims := claimsOf(t, w)
			require.Equal(t, "alice", claims["iss"])
			require.NotEmpty(t, claims["jti"])
			require.InDelta(t, at(0), claims["iat"], 2)
			if test.lives == 0 {
				require.NotContains(t, claims, "exp")
			} else {
				require.InDelta(t, at(test.lives), claims["exp"], 2)
			}
			who := request{method: "GET", path: "/whoami", header: []string{"Authorization", "Bearer " + token}}.send(h)
			require.JSONEq(t, `["alice","`+claims["jti"].(string)+`",true]`, who.Body.String())
		})
	}
}

func TestTokensDiffer(t *testing.T) {
	h := newHandler(t, func(cfg *common.Config) { cfg.BasicAuthCredentials = testUsers })
	first, _ := claimsOf(t, postToken(h, basic("alice", "secret"), ""))
	second, _ := claimsOf(t, postToken(h, basic("alice", "secret"), ""))
	require.NotEqual(t, first, second, "each has its own jti")
}

func TestTokensEnd(t *testing.T) {
	h := newHandler(t, func(cfg *common.Config) { cfg.BasicAuthCredentials = testUsers })
	token, _ := claimsOf(t, postToken(h, basic("alice", "secret"), `{"expires_in":"1h"}`))
	for after, status := range map[time.Duration]int{
		0: 200, 59 * time.Minute: 200, time.Hour + 58*time.Second: 200, time.Hour + 62*time.Second: 401,
	} {
		h.creds.SetNow(func() time.Time { return time.Now().Add(after) })
		w := request{method: "GET", path: "/items", header: []string{"Authorization", "Bearer " + token}}.send(h)
		require.Equal(t, status, w.Code, after)
	}
}

func TestUserIsRemovedWhileATokenIsIssued(t *testing.T) {
	a := auth.New(auth.NewCredentials(testUsers), auth.Options{})
	r := httptest.NewRequest("POST", "/token", nil)
	r = r.WithContext(auth.WithUser(r.Context(), auth.User{Name: "carol"}))
	_, err := a.IssueToken(r)
	var refusal *auth.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, 401, refusal.Status)
}

func TestIssueToken(t *testing.T) {
	creds := auth.NewCredentials(testUsers)
	for _, lives := range []time.Duration{0, time.Hour} {
		text, err := auth.IssueToken("alice", "secret", lives)
		require.NoError(t, err)
		user, err := creds.VerifyToken(text)
		require.NoError(t, err)
		require.Equal(t, "alice", user.Name)
		require.NotEmpty(t, user.TokenID)
		require.Equal(t, lives == 0, user.Expires().IsZero())
	}
	for _, bad := range []struct {
		user, password string
		lives          time.Duration
	}{{"", "secret", 0}, {"alice", "", 0}, {"alice", "secret", time.Millisecond}, {"alice", "secret", -time.Hour}} {
		_, err := auth.IssueToken(bad.user, bad.password, bad.lives)
		require.Error(t, err, "%v", bad)
		require.NotContains(t, err.Error(), "secret")
	}
}

// Two APIs whose entries of a user are the same accept each other's tokens.
func TestTokenOfTheOtherAPI(t *testing.T) {
	one := newHandler(t, func(cfg *common.Config) { cfg.BasicAuthCredentials = testUsers })
	other := newHandler(t, func(cfg *common.Config) { cfg.BasicAuthCredentials = auth.Users{"alice": "secret", "bob": "another"} })
	for user, status := range map[string]int{"alice": 200, "bob": 401} {
		token, _ := claimsOf(t, postToken(one, basic(user, testUsers[user]), ""))
		w := request{method: "GET", path: "/items", header: []string{"Authorization", "Bearer " + token}}.send(other)
		require.Equal(t, status, w.Code, user)
	}
}

func FuzzTokenRequest(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"expires_in":"720h"}`, `{"expires_in":1}`, `null`, `[`, `{} x`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		lives, err := auth.ParseTokenRequest(strings.NewReader(body))
		if err != nil {
			var refusal *auth.Refusal
			require.ErrorAs(t, err, &refusal)
			require.Contains(t, []int{400, 413}, refusal.Status)
			return
		}
		require.True(t, lives == 0 || lives >= time.Second)
	})
}

package auth_test

import (
	"crypto/hmac"
	"encoding/base64"
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

var testUsers = auth.Users{"alice": "secret", "bob": "secret of bob"}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// token returns an Authorization header with a token that is signed with a key.
func token(t testing.TB, key string, claims jwt.MapClaims) string {
	return tokenBy(t, jwt.SigningMethodHS256, []byte(key), claims)
}

func tokenBy(t testing.TB, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	text, err := jwt.NewWithClaims(method, claims).SignedString(key)
	require.NoError(t, err)
	return "Bearer " + text
}

func at(fromNow time.Duration) int64 { return time.Now().Add(fromNow).Unix() }

// altered returns a token with other claims and the same signature.
func altered(t testing.TB, header string, claims jwt.MapClaims) string {
	parts := strings.Split(header, ".")
	payload, err := json.Marshal(claims)
	require.NoError(t, err)
	parts[1] = base64.RawURLEncoding.EncodeToString(payload)
	return strings.Join(parts, ".")
}

func critical(t testing.TB) string {
	tok := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": "alice"})
	tok.Header["crit"] = []string{"exp"}
	text, err := tok.SignedString([]byte("secret"))
	require.NoError(t, err)
	return "Bearer " + text
}

func TestAuthentication(t *testing.T) {
	h := newHandler(t, func(cfg *common.Config) { cfg.BasicAuthCredentials = testUsers })
	alice := jwt.MapClaims{"iss": "alice"}
	plain := token(t, "secret", alice)
	tests := map[string]struct {
		header []string // values of Authorization
		want   string   // body of /whoami, or the details of the 401
		bearer bool     // the challenge names the token as the reason
	}{
		"Basic":            {[]string{basic("alice", "secret")}, `["alice","",true]`, false},
		"another user":     {[]string{basic("bob", "secret of bob")}, `["bob","",true]`, false},
		"lower case":       {[]string{strings.Replace(basic("alice", "secret"), "Basic", "basic", 1)}, `["alice","",true]`, false},
		"token, only iss":  {[]string{plain}, `["alice","",true]`, false},
		"token, two blank": {[]string{strings.Replace(plain, " ", "  ", 1)}, `["alice","",true]`, false},
		"token, lower":     {[]string{strings.Replace(plain, "Bearer", "bearer", 1)}, `["alice","",true]`, false},
		"token with jti":   {[]string{token(t, "secret", jwt.MapClaims{"iss": "alice", "jti": "x1"})}, `["alice","x1",true]`, false},
		"token, all times": {[]string{token(t, "secret", jwt.MapClaims{"iss": "alice", "exp": at(time.Hour), "nbf": at(0), "iat": at(0)})}, `["alice","",true]`, false},
		"exp, leeway":      {[]string{token(t, "secret", jwt.MapClaims{"iss": "alice", "exp": at(-50 * time.Second)})}, `["alice","",true]`, false},
		"nbf, leeway":      {[]string{token(t, "secret", jwt.MapClaims{"iss": "alice", "nbf": at(50 * time.Second)})}, `["alice","",true]`, false},
		"iat to come":      {[]string{token(t, "secret", jwt.MapClaims{"iss": "alice", "iat": at(50 * time.Hour)})}, `["alice","",true]`, false},

		"nothing":           {nil, "credentials are needed", false},
		"empty":             {[]string{""}, "the only ways", false},
		"twice":             {[]string{basic("alice", "secret"), basic("alice", "secret")}, "more than one", false},
		"another scheme":    {[]string{"Digest username=alice"}, "the only ways", false},
		"wrong password":    {[]string{basic("alice", "Secret")}, "user or the password is wrong", false},
		"unknown user":      {[]string{basic("carol", "secret")}, "user or the password is wrong", false},
		"of another user":   {[]string{basic("alice", "secret of bob")}, "user or the password is wrong", false},
		"no password":       {[]string{basic("alice", "")}, "user or the password is wrong", false},
		"no user":           {[]string{basic("", "secret")}, "user or the password is wrong", false},
		"neither":           {[]string{basic("", "")}, "user or the password is wrong", false},
		"no colon":          {[]string{"Basic YWxpY2U="}, "user or the password is wrong", false},
		"not base64":        {[]string{"Basic !!!"}, "user or the password is wrong", false},
		"a longer password": {[]string{basic("alice", "secret\x00")}, "user or the password is wrong", false},

		"exp":               {[]string{token(t, "secret", jwt.MapClaims{"iss": "alice", "exp": at(-70 * time.Second)})}, "expired", true},
		"nbf":               {[]string{token(t, "secret", jwt.MapClaims{"iss": "alice", "nbf": at(70 * time.Second)})}, "not valid yet", true},
		"exp is no number":  {[]string{token(t, "secret", jwt.MapClaims{"iss": "alice", "exp": "never"})}, "token is not valid", true},
		"no issuer":         {[]string{token(t, "secret", jwt.MapClaims{})}, "token is not valid", true},
		"unknown issuer":    {[]string{token(t, "secret", jwt.MapClaims{"iss": "carol"})}, "token is not valid", true},
		"another key":       {[]string{token(t, "Secret", alice)}, "token is not valid", true},
		"key of another":    {[]string{token(t, "secret of bob", alice)}, "token is not valid", true},
		"empty key":         {[]string{token(t, "", alice)}, "token is not valid", true},
		"empty key, carol":  {[]string{token(t, "", jwt.MapClaims{"iss": "carol"})}, "token is not valid", true},
		"altered":           {[]string{altered(t, plain, jwt.MapClaims{"iss": "alice", "jti": "x"})}, "token is not valid", true},
		"other's signature": {[]string{altered(t, plain, jwt.MapClaims{"iss": "bob"})}, "token is not valid", true},
		"none":              {[]string{tokenBy(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, alice)}, "token is not valid", true},
		"HS384":             {[]string{tokenBy(t, jwt.SigningMethodHS384, []byte("secret"), alice)}, "token is not valid", true},
		"HS512":             {[]string{tokenBy(t, jwt.SigningMethodHS512, []byte("secret"), alice)}, "token is not valid", true},
		"critical":          {[]string{critical(t)}, "token is not valid", true},
		"no signature":      {[]string{plain[:strings.LastIndex(plain, ".")+1]}, "token is not valid", true},
		"two parts":         {[]string{plain[:strings.LastIndex(plain, ".")]}, "token is not valid", true},
		"four parts":        {[]string{plain + ".x"}, "token is not valid", true},
		"no token":          {[]string{"Bearer"}, "token is not valid", true},
		"a password":        {[]string{"Bearer secret"}, "token is not valid", true},
		"claims are null":   {[]string{"Bearer eyJhbGciOiJIUzI1NiJ9.bnVsbA."}, "token is not valid", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			req := request{method: "GET", path: "/whoami"}
			for _, value := range test.header {
				req.header = append(req.header, "Authorization", value)
			}
			w := req.send(h)
			if strings.HasPrefix(test.want, "[") {
				require.Equal(t, 200, w.Code, w.Body.String())
				require.JSONEq(t, test.want, w.Body.String())
				return
			}
			requireChallenge(t, w, test.bearer)
			require.Contains(t, text(t, w), test.want)
			require.NotContains(t, w.Body.String(), "secret")
		})
	}
}

func requireChallenge(t testing.TB, w *httptest.ResponseRecorder, badToken bool) {
	t.Helper()
	require.Equal(t, 401, w.Code, w.Body.String())
	require.Equal(t, common.ReasonUnauthorized, why(t, w))
	challenges := w.Header().Values("WWW-Authenticate")
	require.Len(t, challenges, 2)
	require.Equal(t, `Basic realm="fakeapi", charset="UTF-8"`, challenges[0])
	if badToken {
		require.Contains(t, challenges[1], `Bearer realm="fakeapi", error="invalid_token", error_description="`)
		require.Contains(t, challenges[1], text(t, w))
	} else {
		require.Equal(t, `Bearer realm="fakeapi"`, challenges[1])
	}
}

func TestCredentialsChange(t *testing.T) {
	h := newHandler(t, func(cfg *common.Config) { cfg.BasicAuthCredentials = testUsers })
	bearer := token(t, "secret", jwt.MapClaims{"iss": "alice"})
	code := func(authorization string) int {
		return request{method: "GET", path: "/items", header: []string{"Authorization", authorization}}.send(h).Code
	}
	require.Equal(t, 200, code(bearer))

	h.creds.Replace(map[string]string{"alice": "changed", "bob": "secret of bob"})
	require.Equal(t, 401, code(bearer), "a changed password ends the tokens")
	require.Equal(t, 401, code(basic("alice", "secret")))
	require.Equal(t, 200, code(basic("alice", "changed")))
	require.Equal(t, 200, code(token(t, "changed", jwt.MapClaims{"iss": "alice"})))
	require.Equal(t, 200, code(basic("bob", "secret of bob")), "others are not affected")

	users := map[string]string{"bob": "secret of bob"}
	h.creds.Replace(users)
	users["alice"] = "changed"
	require.Equal(t, 401, code(basic("alice", "changed")), "a removed user")
	require.Equal(t, 401, code(token(t, "changed", jwt.MapClaims{"iss": "alice"})))

	h.creds.Replace(map[string]string{})
	require.False(t, h.creds.Open())
	require.Equal(t, 401, code(basic("bob", "secret of bob")), "nobody may enter")

	h.creds.Replace(nil)
	require.True(t, h.creds.Open())
	require.Equal(t, 200, code(basic("bob", "wrong")), "everybody may enter")
}

func TestEmptyEntriesLetNobodyIn(t *testing.T) {
	creds := auth.NewCredentials(map[string]string{"alice": "", "": "secret"})
	require.False(t, creds.Open())
	require.False(t, creds.Fits("alice", ""))
	require.False(t, creds.Fits("", "secret"))
	_, err := creds.VerifyToken(strings.TrimPrefix(token(t, "", jwt.MapClaims{"iss": "alice"}), "Bearer "))
	require.Error(t, err)
	_, err = creds.VerifyToken(strings.TrimPrefix(token(t, "secret", jwt.MapClaims{"iss": ""}), "Bearer "))
	require.Error(t, err)
}

// Whether a user exists must not show in the work that a wrong password takes.
func TestUnknownUserTakesTheSameWork(t *testing.T) {
	creds := auth.NewCredentials(testUsers)
	for name, password := range map[string]string{
		"alice": "secret", "bob": "wrong", "carol": "secret", "": "", "dave": strings.Repeat("x", 1000),
	} {
		compared := 0
		creds.SetCompare(func(a, b []byte) bool {
			compared++
			require.Len(t, a, 32)
			require.Len(t, b, 32)
			return hmac.Equal(a, b)
		})
		require.Equal(t, name == "alice", creds.Fits(name, password))
		require.Equal(t, 1, compared, name)
	}
}

func TestUnknownIssuerTakesTheSameWork(t *testing.T) {
	for _, issuer := range []string{"alice", "carol", ""} {
		creds := auth.NewCredentials(testUsers)
		asked := 0
		header := token(t, "wrong", jwt.MapClaims{"iss": issuer})
		_, err := auth.ParseToken(strings.TrimPrefix(header, "Bearer "), time.Now(), func(name string) []byte {
			asked++
			require.NotEmpty(t, creds.TokenKey(name))
			return creds.TokenKey(name)
		})
		require.Equal(t, auth.ErrTokenInvalid, err)
		require.Equal(t, 1, asked, "the signature is verified for %q", issuer)
	}
}

func FuzzAuthorization(f *testing.F) {
	a := auth.New(auth.NewCredentials(testUsers), auth.Options{Realm: "fakeapi"})
	for _, seed := range []string{
		"", "Basic", basic("alice", "secret"), basic("alice", "wrong"), "Bearer x.y.z",
		token(f, "secret", jwt.MapClaims{"iss": "alice", "exp": at(time.Hour), "jti": "x"}),
		token(f, "secret", jwt.MapClaims{"iss": "bob", "aud": []string{"a"}}),
		tokenBy(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, jwt.MapClaims{"iss": "alice"}),
		"Bearer eyJhbGciOiJIUzI1NiJ9.bnVsbA.", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjFlOTk5fQ.",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/items", nil)
		r.Header["Authorization"] = []string{header}
		user, refusal := a.Authenticate(r, "192.0.2.1")
		if refusal != nil {
			require.Equal(t, 401, refusal.Status)
			require.Len(t, refusal.Header["Www-Authenticate"], 2)
			require.Empty(t, user)
			return
		}
		require.True(t, isRight(header, user.Name), "%q entered as %q", header, user.Name)
	})
}

// isRight judges a header anew, with as little code as possible.
func isRight(header, user string) bool {
	scheme, rest, _ := strings.Cut(header, " ")
	rest = strings.TrimLeft(rest, " ")
	if strings.EqualFold(scheme, "basic") {
		raw, err := base64.StdEncoding.DecodeString(rest)
		return err == nil && string(raw) == user+":"+testUsers[user]
	}
	signed, signature, _ := cutLast(rest, ".")
	want, err := jwt.SigningMethodHS256.Sign(signed, []byte(testUsers[user]))
	given, errGiven := base64.RawURLEncoding.DecodeString(signature)
	wanted, _ := base64.RawURLEncoding.DecodeString(want)
	return err == nil && errGiven == nil && string(given) == string(wanted)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

package auth_test

import (
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/auth"
)

// guarded is a handler that allows a few failures a minute, with a clock.
type guarded struct {
	t testing.TB
	*handler
	mu  sync.Mutex
	now time.Time
}

func newGuarded(t testing.TB, perMinute int) *guarded {
	g := &guarded{t: t, now: time.Now()}
	g.handler = newHandler(t, func(cfg *common.Config) {
		cfg.BasicAuthCredentials = testUsers
		cfg.MaxAuthFailures = perMinute
		cfg.TrustedProxies = []string{"127.0.0.1"}
	})
	g.throttle.SetNow(func() time.Time {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.now
	})
	g.throttle.Interval = 0
	return g
}

func (g *guarded) later(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = g.now.Add(d)
}

func (g *guarded) from(addr, authorization string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/items", nil)
	r.RemoteAddr = addr
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

// fail sends wrong credentials until they are answered with 429, and returns
// how many were not.
func (g *guarded) fail(addr, authorization string) int {
	g.t.Helper()
	for n := range 1000 {
		if w := g.from(addr, authorization); w.Code == 429 {
			return n
		}
	}
	g.t.Fatal("never 429")
	return 0
}

func TestRepeatedFailures(t *testing.T) {
	g := newGuarded(t, 6)
	const addr = "192.0.2.7:1"
	require.Equal(t, 6, g.fail(addr, basic("alice", "wrong")))

	w := g.from(addr, basic("alice", "wrong"))
	require.Equal(t, 429, w.Code)
	require.Equal(t, common.ReasonTooManyRequests, why(t, w))
	require.Equal(t, "10", w.Header().Get("Retry-After"))
	require.Empty(t, w.Header().Get("WWW-Authenticate"), "a browser would ask its user again")

	require.Equal(t, 429, g.from("192.0.2.7:2", basic("bob", "wrong")).Code, "another port, another user")
	require.Equal(t, 401, g.from("192.0.2.8:1", basic("alice", "wrong")).Code, "another address")
	require.Equal(t, 200, g.from(addr, basic("alice", "secret")).Code, "right ones are never refused")
	require.Equal(t, 200, g.from(addr, token(t, "secret", jwt.MapClaims{"iss": "alice"})).Code)
	require.Equal(t, 401, g.from(addr, "").Code, "to send none is no guess")
	require.Equal(t, 401, g.from(addr, token(t, "secret", jwt.MapClaims{"iss": "alice", "exp": at(-time.Hour)})).Code, "nor is an old token")

	g.later(11 * time.Second)
	require.Equal(t, 1, g.fail(addr, basic("alice", "wrong")), "one more for each ten seconds")
	g.later(time.Hour)
	require.Equal(t, 6, g.fail(addr, basic("alice", "wrong")))
}

func TestWhatCountsAsAFailure(t *testing.T) {
	for name, test := range map[string]struct {
		authorization string
		counts        bool
	}{
		"a wrong password":   {basic("alice", "wrong"), true},
		"an unknown user":    {basic("carol", "secret"), true},
		"no base64":          {"Basic !", true},
		"a wrong signature":  {token(t, "wrong", jwt.MapClaims{"iss": "alice"}), true},
		"an unknown issuer":  {token(t, "wrong", jwt.MapClaims{"iss": "carol"}), true},
		"no token":           {"Bearer x", true},
		"an expired token":   {token(t, "secret", jwt.MapClaims{"iss": "alice", "exp": at(-time.Hour)}), false},
		"a token of later":   {token(t, "secret", jwt.MapClaims{"iss": "alice", "nbf": at(time.Hour)}), false},
		"none":               {"", false},
		"a strange scheme":   {"Digest x", false},
		"a password":         {basic("alice", "secret"), false},
		"a token":            {token(t, "secret", jwt.MapClaims{"iss": "alice"}), false},
		"a token, lowercase": {"bearer x", true},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuarded(t, 1)
			g.from("192.0.2.7:1", test.authorization)
			want := 401
			if test.counts {
				want = 429
			}
			require.Equal(t, want, g.from("192.0.2.7:1", basic("alice", "wrong")).Code)
		})
	}
}

func TestWhatIsOneAddress(t *testing.T) {
	for _, test := range []struct {
		one, other string
		same       bool
	}{
		{"192.0.2.1:1", "192.0.2.1:2", true},
		{"192.0.2.1:1", "192.0.2.2:1", false},
		{"192.0.2.1:1", "[::ffff:192.0.2.1]:1", true},
		{"[2001:db8::1]:1", "[2001:db8::2]:1", true},
		{"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
		{"@", "", true},
		{"12D3KooWPeer", "12D3KooWOther", false},
	} {
		g := newGuarded(t, 1)
		require.Equal(t, 401, g.from(test.one, basic("alice", "wrong")).Code)
		require.Equal(t, test.same, g.from(test.other, basic("alice", "wrong")).Code == 429, "%v", test)
	}
}

func TestFailuresWithoutALimit(t *testing.T) {
	g := newGuarded(t, 0)
	for range 200 {
		require.Equal(t, 401, g.from("192.0.2.7:1", basic("alice", "wrong")).Code)
	}
}

// What an address that has guessed too often sends is looked at one after the
// other; but whoever was there before does not notice.
func TestGuessesTakeTurns(t *testing.T) {
	g := newGuarded(t, 1)
	const addr = "192.0.2.7:1"
	require.Equal(t, 200, g.from(addr, basic("bob", "secret of bob")).Code)
	g.fail(addr, basic("alice", "wrong"))

	turn := g.throttle.Turn("192.0.2.7")
	require.Eventually(t, func() bool {
		select {
		case turn <- struct{}{}: // somebody else's guess
			return true
		default:
			return false
		}
	}, 10*time.Second, time.Millisecond, "turns end")
	var waiting sync.WaitGroup
	codes := make(chan int, auth.MaxGuessers)
	for i := range auth.MaxGuessers {
		waiting.Go(func() { codes <- g.from(addr, basic("alice", "guess "+strconv.Itoa(i))).Code })
	}
	require.Eventually(t, func() bool { return g.throttle.Guessers("192.0.2.7") == auth.MaxGuessers }, time.Minute, time.Millisecond)
	require.Empty(t, codes, "they wait")
	require.Equal(t, 429, g.from(addr, basic("alice", "one more")).Code, "that is enough")
	require.Equal(t, 200, g.from(addr, basic("bob", "secret of bob")).Code, "known credentials do not wait")
	require.Equal(t, 200, g.from("192.0.2.8:1", basic("alice", "secret")).Code)

	<-turn
	waiting.Wait()
	close(codes)
	for code := range codes {
		require.Equal(t, 429, code)
	}
	require.Zero(t, g.throttle.Guessers("192.0.2.7"))
	require.Equal(t, 200, g.from(addr, basic("alice", "secret")).Code)
}

// Behind a proxy the addresses are those of its clients.
func TestFailuresBehindAProxy(t *testing.T) {
	h := newHandler(t, func(cfg *common.Config) {
		cfg.BasicAuthCredentials = testUsers
		cfg.MaxAuthFailures = 1
		cfg.TrustedProxies = []string{"192.0.2.1"}
	})
	send := func(client string) int {
		return request{method: "GET", path: "/items", header: []string{
			"Authorization", basic("alice", "wrong"), "X-Forwarded-For", client,
		}}.send(h).Code
	}
	require.Equal(t, 401, send("203.0.113.1"))
	require.Equal(t, 401, send("203.0.113.2"))
	require.Equal(t, 429, send("203.0.113.1"))
	require.Equal(t, 429, send("198.51.100.1, 203.0.113.2"), "what a client writes itself does not help it")
}

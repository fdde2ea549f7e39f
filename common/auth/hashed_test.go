package auth_test

import (
	"crypto/hmac"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/auth"
)

// hashOf returns a hash that takes little time.
func hashOf(t testing.TB, password string, cost int) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	require.NoError(t, err)
	return string(hash)
}

func TestHashPassword(t *testing.T) {
	hash, err := auth.HashPassword("secret")
	require.NoError(t, err)
	require.True(t, auth.IsHashed(hash))
	require.NoError(t, auth.CheckHash(hash))
	require.True(t, auth.NewCredentials(map[string]string{"alice": hash}).Fits("alice", "secret"))
	again, err := auth.HashPassword("secret")
	require.NoError(t, err)
	require.NotEqual(t, hash, again, "each has its own salt")
	for _, bad := range []string{"", strings.Repeat("x", 73)} {
		_, err := auth.HashPassword(bad)
		require.Error(t, err)
	}
	_, err = auth.HashPassword(strings.Repeat("x", 72))
	require.NoError(t, err)
}

func TestHashedEntries(t *testing.T) {
	hash := hashOf(t, "secret", bcrypt.MinCost)
	h := newHandler(t, func(cfg *common.Config) {
		cfg.BasicAuthCredentials = auth.Users{"alice": hash, "bob": "secret of bob", "eve": "$2a$04$broken"}
	})
	issued, err := auth.IssueToken("alice", hash, time.Hour)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		authorization string
		status        int
	}{
		"the password":         {basic("alice", "secret"), 200},
		"the password again":   {basic("alice", "secret"), 200},
		"another user":         {basic("bob", "secret of bob"), 200},
		"a wrong password":     {basic("alice", "Secret"), 401},
		"of another user":      {basic("alice", "secret of bob"), 401},
		"a user's of another":  {basic("bob", "secret"), 401},
		"an unknown user":      {basic("carol", "secret"), 401},
		"the hash itself":      {basic("alice", hash), 401},
		"nothing":              {basic("alice", ""), 401},
		"a broken entry":       {basic("eve", "$2a$04$broken"), 401},
		"a token":              {"Bearer " + issued, 200},
		"signed by the hash":   {token(t, hash, jwt.MapClaims{"iss": "alice"}), 401},
		"signed by a password": {token(t, "secret", jwt.MapClaims{"iss": "alice"}), 401},
		"of a broken entry":    {token(t, "$2a$04$broken", jwt.MapClaims{"iss": "eve"}), 401},
	} {
		t.Run(name, func(t *testing.T) {
			w := request{method: "GET", path: "/items", header: []string{"Authorization", test.authorization}}.send(h)
			require.Equal(t, test.status, w.Code, w.Body.String())
		})
	}

	text, _ := claimsOf(t, postToken(h, basic("alice", "secret"), ""))
	user, err := h.creds.VerifyToken(text)
	require.NoError(t, err)
	require.Equal(t, "alice", user.Name)
	h.creds.Replace(map[string]string{"alice": hashOf(t, "secret", bcrypt.MinCost)})
	_, err = h.creds.VerifyToken(text)
	require.Error(t, err, "another hash, even of the same password, ends the tokens")
}

// counted counts how often hashes are compared.
func counted(c *auth.Credentials) *atomic.Int32 {
	var n atomic.Int32
	compare := c.CompareHash()
	c.SetCompareHash(func(hash, password []byte) error {
		n.Add(1)
		return compare(hash, password)
	})
	return &n
}

func TestVerifiedPasswordIsRememberedForAMinute(t *testing.T) {
	hash := hashOf(t, "secret", bcrypt.MinCost)
	creds := auth.NewCredentials(map[string]string{"alice": hash})
	now := time.Now()
	creds.SetNow(func() time.Time { return now })
	hashed := counted(creds)
	steps := []struct {
		password string
		later    time.Duration
		want     bool
		hashes   int32
	}{
		{"secret", 0, true, 1},
		{"secret", 0, true, 0},
		{"wrong", 0, false, 1},
		{"wrong", 0, false, 1},
		{"secret", 59 * time.Second, true, 0},
		{"secret", 2 * time.Second, true, 1},
		{"secret", 59 * time.Second, true, 0},
	}
	for i, step := range steps {
		hashed.Store(0)
		now = now.Add(step.later)
		require.Equal(t, step.want, creds.Fits("alice", step.password), "step %d", i)
		require.Equal(t, step.hashes, hashed.Load(), "step %d", i)
	}
	creds.Replace(map[string]string{"alice": hashOf(t, "changed", bcrypt.MinCost)})
	require.False(t, creds.Fits("alice", "secret"), "what was remembered goes with the entry")
}

// The work that a failed attempt takes says nothing about the user.
func TestSameWorkWithHashes(t *testing.T) {
	mixed := map[string]string{
		"alice": hashOf(t, "secret", bcrypt.MinCost+1), "bob": "secret of bob", "carol": hashOf(t, "secret of carol", bcrypt.MinCost),
	}
	for _, test := range []struct{ name, password string }{
		{"alice", "wrong"}, {"bob", "wrong"}, {"nobody", "secret"}, {"", ""}, {"bob", "secret"}, {"alice", "secret of bob"}, {"nobody", "secret of bob"},
	} {
		creds := auth.NewCredentials(mixed)
		hashed := counted(creds)
		compared := 0
		creds.SetCompare(func(a, b []byte) bool {
			compared++
			return hmac.Equal(a, b)
		})
		require.False(t, creds.Fits(test.name, test.password))
		require.EqualValues(t, 1, hashed.Load(), "%v", test)
		require.Equal(t, 2, compared, "%v", test)
	}
	plain := auth.NewCredentials(testUsers)
	hashed := counted(plain)
	require.False(t, plain.Fits("nobody", "secret"))
	require.Zero(t, hashed.Load(), "without any hash there is nothing to be the same as")
}

// The hash that stands for unknown users is the costliest, so that they do not
// stand out.
func TestDecoyIsTheCostliest(t *testing.T) {
	high := hashOf(t, "a", bcrypt.MinCost+2)
	creds := auth.NewCredentials(map[string]string{"a": hashOf(t, "a", bcrypt.MinCost), "b": high, "c": hashOf(t, "a", bcrypt.MinCost+1)})
	creds.SetCompareHash(func(hash, _ []byte) error {
		require.Equal(t, high, string(hash))
		return nil // even then an unknown user does not enter
	})
	require.False(t, creds.Fits("nobody", "a"))
}

func TestHashingIsBounded(t *testing.T) {
	h := newHandler(t, func(cfg *common.Config) {
		cfg.BasicAuthCredentials = auth.Users{"alice": hashOf(t, "secret", bcrypt.MinCost)}
		cfg.MaxAuthFailures = 0
	})
	h.throttle.SetFree(2)
	var busy, most atomic.Int32
	begun, finish := make(chan struct{}, 20), make(chan struct{})
	h.creds.SetCompareHash(func([]byte, []byte) error {
		n := busy.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		begun <- struct{}{}
		<-finish
		busy.Add(-1)
		return bcrypt.ErrMismatchedHashAndPassword
	})
	wrong := request{method: "GET", path: "/items", header: []string{"Authorization", basic("alice", "wrong")}}
	var attempts sync.WaitGroup
	for range 20 {
		attempts.Go(func() { wrong.send(h) })
	}
	<-begun
	<-begun
	close(finish)
	attempts.Wait()
	require.EqualValues(t, 2, most.Load())
	require.Equal(t, 2, h.throttle.Free())
}

// Many requests that come together with the same right password hash once.
func TestOneHashForManyRequests(t *testing.T) {
	h := newHandler(t, func(cfg *common.Config) {
		cfg.BasicAuthCredentials = auth.Users{"alice": hashOf(t, "secret", bcrypt.MinCost)}
		cfg.MaxAuthFailures = 1
	})
	h.throttle.SetFree(1)
	hashed := counted(h.creds)
	right := request{method: "GET", path: "/items", header: []string{"Authorization", basic("alice", "secret")}}
	var requests sync.WaitGroup
	for range auth.MaxHashWaitsPerAddress {
		requests.Go(func() {
			if code := right.send(h).Code; code != 200 {
				t.Error("refused", code)
			}
		})
	}
	requests.Wait()
	require.EqualValues(t, 1, hashed.Load())
}

// bcrypt looks at 72 bytes: a longer password must not enter by its beginning.
func TestLongPasswordOfAHashedUser(t *testing.T) {
	long := strings.Repeat("x", auth.MaxPassword)
	h := newHandler(t, func(cfg *common.Config) {
		cfg.BasicAuthCredentials = auth.Users{"alice": hashOf(t, long, bcrypt.MinCost), "bob": long + "bob"}
	})
	for _, test := range []struct {
		name, password string
		status         int
	}{
		{"alice", long, 200}, {"bob", long + "bob", 200},
		{"alice", long + "y", 401}, {"bob", long + "y", 401}, {"carol", long + "y", 401}, {"alice", long + "y", 401},
	} {
		hashed := counted(h.creds)
		w := request{method: "GET", path: "/items", header: []string{"Authorization", basic(test.name, test.password)}}.send(h)
		require.Equal(t, test.status, w.Code)
		if w.Code == 401 {
			require.Contains(t, text(t, w), "at most 72 bytes", "whoever's password it is")
			require.EqualValues(t, 1, hashed.Load(), "the same work")
		}
	}
}

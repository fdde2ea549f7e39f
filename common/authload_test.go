package common

import (
	"context"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

// hashing is a handler with one hashed user, whose hashes end when the test
// says so.
type hashing struct {
	*Handler
	finish chan struct{}
}

// newHashing is for a bubble of synctest. alice's password is "secret", and
// bob's, which is not hashed, "secret of bob".
func newHashing(t *testing.T, change func(*Config), opts ...HandlerOption) *hashing {
	cfg := DefaultConfig()
	cfg.BasicAuthCredentials = Users{"alice": hashOf(t, "secret", bcrypt.MinCost), "bob": "secret of bob"}
	if change != nil {
		change(&cfg)
	}
	h, err := NewHandler(cfg, NewCredentials(cfg.BasicAuthCredentials), fakeAPI(), opts...)
	require.NoError(t, err)
	s := &hashing{h, make(chan struct{})}
	compare := h.creds.compareHash
	h.creds.compareHash = func(hash, password []byte) error {
		<-s.finish
		return compare(hash, password)
	}
	return s
}

// begin sends a request from an address; the answer is complete when the bubble
// says so.
func (s *hashing) begin(ctx context.Context, addr, authorization string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, "GET", "/items", nil)
	r.RemoteAddr = addr
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	w.Code = 0
	go s.ServeHTTP(w, r)
	synctest.Wait()
	return w
}

// delayed is how many refusals are held back.
func (s *hashing) delayed() int {
	s.guard.delays.mu.Lock()
	defer s.guard.delays.mu.Unlock()
	return s.guard.delays.count
}

// While hundreds of requests with made-up credentials wait to be hashed or are
// held back, nobody else notices.
func TestMadeUpCredentialsHoldNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHashing(t, func(cfg *Config) { cfg.MaxConcurrentRequests = 1 })
		h.guard.hashes.free = 2
		var made []*httptest.ResponseRecorder
		for i := range maxHashWaitsPerAddress + 100 {
			made = append(made, h.begin(t.Context(), "192.0.2.7:1", basic("nobody", strconv.Itoa(i))))
		}
		for _, addr := range []string{"192.0.2.7:1", "192.0.2.8:1"} {
			require.Equal(t, 200, h.begin(t.Context(), addr, token(t, "secret of bob", jwt.MapClaims{"iss": "bob"})).Code)
			require.Equal(t, 200, h.begin(t.Context(), addr, basic("bob", "secret of bob")).Code)
		}
		require.Equal(t, 100-2, h.delayed(), "nobody is answered yet")
		close(h.finish)
		time.Sleep(maxHashPatience + time.Minute)
		synctest.Wait()
		codes := map[int]int{}
		for _, w := range made {
			codes[w.Code]++
		}
		require.Equal(t, 60, codes[401])
		require.Equal(t, len(made)-60, codes[429])
		require.Zero(t, h.guard.delays.count)
		require.Empty(t, h.guard.delays.of)
		require.Zero(t, h.guard.hashes.waiting)
	})
}

// A password of another address waits for one hash of an address that sends
// many, not for all.
func TestOtherAddressesAreHashedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHashing(t, nil)
		h.guard.hashes.free = 1
		for i := range 300 {
			h.begin(t.Context(), "192.0.2.7:1", basic("nobody", strconv.Itoa(i)))
		}
		right := h.begin(t.Context(), "192.0.2.8:1", basic("alice", "secret"))
		for range 3 {
			h.finish <- struct{}{}
			synctest.Wait()
		}
		require.Equal(t, 200, right.Code)
		close(h.finish)
		time.Sleep(time.Minute)
		synctest.Wait()
	})
}

// A wait that ends without an answer is a failed attempt, whoever ends it.
func TestWaitWithoutAnAnswerCounts(t *testing.T) {
	for name, end := range map[string]func(context.CancelFunc){
		"the client goes away":  func(cancel context.CancelFunc) { cancel() },
		"the time for it is up": func(context.CancelFunc) { time.Sleep(maxHashPatience) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHashing(t, func(cfg *Config) { cfg.MaxAuthFailures = 3 })
				h.guard.hashes.free = 0
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var waiting []*httptest.ResponseRecorder
				for i := range 3 {
					waiting = append(waiting, h.begin(ctx, "192.0.2.7:1", basic("alice", strconv.Itoa(i))))
				}
				end(cancel)
				time.Sleep(2 * guessPause)
				synctest.Wait()
				for _, w := range waiting {
					require.Equal(t, 503, w.Code)
				}
				require.NotNil(t, h.guard.over("192.0.2.7"))
				require.Nil(t, h.guard.over("192.0.2.8"))
			})
		})
	}
}

// The users may change while a password waits.
func TestUsersReplacedDuringTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHashing(t, nil)
		h.guard.hashes.free = 0
		old := h.begin(t.Context(), "192.0.2.7:1", basic("alice", "secret"))
		gone := h.begin(t.Context(), "192.0.2.7:1", basic("dave", "secret"))
		now := h.begin(t.Context(), "192.0.2.8:1", basic("alice", "changed"))
		h.creds.Replace(map[string]string{"alice": hashOf(t, "changed", bcrypt.MinCost)})
		close(h.finish)
		h.guard.hashes.leave()
		synctest.Wait()
		require.Equal(t, [3]int{401, 401, 200}, [3]int{old.Code, gone.Code, now.Code})
	})
}

// Two APIs that share a guard share the count, each with its own limit.
func TestSharedGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard()
		limited := func(n int) func(*Config) { return func(cfg *Config) { cfg.MaxAuthFailures = n } }
		few, many, any := newHashing(t, limited(3), WithGuard(g)), newHashing(t, limited(5), WithGuard(g)), newHashing(t, limited(0), WithGuard(g))
		for _, h := range []*hashing{few, many, any} {
			close(h.finish)
		}
		wrong := func(h *hashing) int {
			w := h.begin(t.Context(), "[2001:db8::1]:1", "Bearer made.up.token")
			time.Sleep(2 * guessPause)
			synctest.Wait()
			return w.Code
		}
		require.Equal(t, 401, wrong(few))
		require.Equal(t, 401, wrong(many))
		require.Equal(t, 401, wrong(any))
		require.Equal(t, 429, wrong(few), "its third was elsewhere")
		require.Equal(t, 401, wrong(many))
		require.Equal(t, 429, wrong(many))
		require.Equal(t, 401, wrong(any))
		require.NotNil(t, few.guard.over(bucketOf(t.Context(), "2001:db8::2")), "one /64 is one client")
	})
}

// Refusals are held back, up to a bound; then the connection is closed.
func TestRefusalsAreHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHashing(t, func(cfg *Config) { cfg.MaxAuthFailures = 1 })
		send := func() *httptest.ResponseRecorder {
			return h.begin(t.Context(), "192.0.2.7:1", "Bearer made.up.token")
		}
		require.Equal(t, 401, send().Code, "the first is answered at once")
		var held []*httptest.ResponseRecorder
		for range maxDelaysPerAddress {
			held = append(held, send())
		}
		w := send()
		require.Equal(t, 429, w.Code)
		require.Equal(t, "close", w.Header().Get("Connection"))
		time.Sleep(guessPause/2 - time.Millisecond)
		synctest.Wait()
		require.Equal(t, maxDelaysPerAddress, h.delayed())
		time.Sleep(2 * guessPause)
		synctest.Wait()
		for _, w := range held {
			require.Equal(t, 429, w.Code)
			require.Empty(t, w.Header().Get("Connection"))
		}
	})
}

// Clients with little time get their answer within it.
func TestWaitsKeepToTheTimeouts(t *testing.T) {
	l := limits{read: 4 * time.Second, write: time.Minute}
	require.Equal(t, 2*time.Second, l.part(maxHashPatience))
	require.Equal(t, maxHashPatience, limits{}.part(maxHashPatience))
}

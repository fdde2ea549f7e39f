package auth_test

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

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/common/listen"
)

// hashing is a handler with one hashed user, whose hashes end when the test
// says so.
type hashing struct {
	*handler
	finish chan struct{}
}

// newHashing is for a bubble of synctest. alice's password is "secret", and
// bob's, which is not hashed, "secret of bob".
func newHashing(t *testing.T, throttle *auth.Throttle, change func(*common.Config)) *hashing {
	h := newHandlerWith(t, throttle, func(cfg *common.Config) {
		cfg.BasicAuthCredentials = auth.Users{"alice": hashOf(t, "secret", bcrypt.MinCost), "bob": "secret of bob"}
		if change != nil {
			change(cfg)
		}
	})
	s := &hashing{h, make(chan struct{})}
	compare := h.creds.CompareHash()
	h.creds.SetCompareHash(func(hash, password []byte) error {
		<-s.finish
		return compare(hash, password)
	})
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
	all, _ := s.throttle.Delayed()
	return all
}

// While hundreds of requests with made-up credentials wait to be hashed or are
// held back, nobody else notices.
func TestMadeUpCredentialsHoldNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHashing(t, auth.NewThrottle(), func(cfg *common.Config) { cfg.MaxConcurrentRequests = 1 })
		h.throttle.SetFree(2)
		var made []*httptest.ResponseRecorder
		for i := range auth.MaxHashWaitsPerAddress + 100 {
			made = append(made, h.begin(t.Context(), "192.0.2.7:1", basic("nobody", strconv.Itoa(i))))
		}
		for _, addr := range []string{"192.0.2.7:1", "192.0.2.8:1"} {
			require.Equal(t, 200, h.begin(t.Context(), addr, token(t, "secret of bob", jwt.MapClaims{"iss": "bob"})).Code)
			require.Equal(t, 200, h.begin(t.Context(), addr, basic("bob", "secret of bob")).Code)
		}
		require.Equal(t, 100-2, h.delayed(), "nobody is answered yet")
		close(h.finish)
		time.Sleep(auth.MaxHashWait + time.Minute)
		synctest.Wait()
		codes := map[int]int{}
		for _, w := range made {
			codes[w.Code]++
		}
		require.Equal(t, 60, codes[401])
		require.Equal(t, len(made)-60, codes[429])
		all, addresses := h.throttle.Delayed()
		require.Zero(t, all)
		require.Zero(t, addresses)
		require.Zero(t, h.throttle.Waiting())
	})
}

// A password of another address waits for one hash of an address that sends
// many, not for all.
func TestOtherAddressesAreHashedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHashing(t, auth.NewThrottle(), nil)
		h.throttle.SetFree(1)
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
		"the time for it is up": func(context.CancelFunc) { time.Sleep(auth.MaxHashWait) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHashing(t, auth.NewThrottle(), func(cfg *common.Config) { cfg.MaxAuthFailures = 3 })
				h.throttle.SetFree(0)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var waiting []*httptest.ResponseRecorder
				for i := range 3 {
					waiting = append(waiting, h.begin(ctx, "192.0.2.7:1", basic("alice", strconv.Itoa(i))))
				}
				end(cancel)
				time.Sleep(2 * auth.GuessInterval)
				synctest.Wait()
				for _, w := range waiting {
					require.Equal(t, 503, w.Code)
				}
				require.True(t, h.throttle.OverLimit("192.0.2.7", 3))
				require.False(t, h.throttle.OverLimit("192.0.2.8", 3))
			})
		})
	}
}

// The users may change while a password waits.
func TestUsersReplacedDuringTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHashing(t, auth.NewThrottle(), nil)
		h.throttle.SetFree(0)
		old := h.begin(t.Context(), "192.0.2.7:1", basic("alice", "secret"))
		gone := h.begin(t.Context(), "192.0.2.7:1", basic("dave", "secret"))
		now := h.begin(t.Context(), "192.0.2.8:1", basic("alice", "changed"))
		h.creds.Replace(map[string]string{"alice": hashOf(t, "changed", bcrypt.MinCost)})
		close(h.finish)
		h.throttle.Leave()
		synctest.Wait()
		require.Equal(t, [3]int{401, 401, 200}, [3]int{old.Code, gone.Code, now.Code})
	})
}

// Two APIs that share a throttle share the count, each with its own limit.
func TestSharedThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := auth.NewThrottle()
		limited := func(n int) func(*common.Config) { return func(cfg *common.Config) { cfg.MaxAuthFailures = n } }
		few, many, any := newHashing(t, shared, limited(3)), newHashing(t, shared, limited(5)), newHashing(t, shared, limited(0))
		for _, h := range []*hashing{few, many, any} {
			close(h.finish)
		}
		wrong := func(h *hashing) int {
			w := h.begin(t.Context(), "[2001:db8::1]:1", "Bearer made.up.token")
			time.Sleep(2 * auth.GuessInterval)
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
		require.True(t, shared.OverLimit(listen.ClientKey("2001:db8::2"), 3), "one /64 is one client")
	})
}

// Refusals are held back, up to a bound; then the connection is closed.
func TestRefusalsAreHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHashing(t, auth.NewThrottle(), func(cfg *common.Config) { cfg.MaxAuthFailures = 1 })
		send := func() *httptest.ResponseRecorder {
			return h.begin(t.Context(), "192.0.2.7:1", "Bearer made.up.token")
		}
		require.Equal(t, 401, send().Code, "the first is answered at once")
		var held []*httptest.ResponseRecorder
		for range auth.MaxDelaysPerAddress {
			held = append(held, send())
		}
		w := send()
		require.Equal(t, 429, w.Code)
		require.Equal(t, "close", w.Header().Get("Connection"))
		time.Sleep(auth.GuessInterval/2 - time.Millisecond)
		synctest.Wait()
		require.Equal(t, auth.MaxDelaysPerAddress, h.delayed())
		time.Sleep(2 * auth.GuessInterval)
		synctest.Wait()
		for _, w := range held {
			require.Equal(t, 429, w.Code)
			require.Empty(t, w.Header().Get("Connection"))
		}
	})
}

package common

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

const (
	// maxSuspects is how many addresses with failed attempts are remembered.
	maxSuspects = 10_000
	// maxFriends is how many credentials are remembered as lately right.
	maxFriends = 10_000
	// guessPause is the time between two guesses of an address that has made
	// too many.
	guessPause = time.Second
	// maxGuessers is how many requests of such an address may wait.
	maxGuessers = 16
)

// Guard slows down addresses that send wrong credentials. It lets each make
// some failed attempts a minute; the answer to more is 429, after a pause, and
// their passwords are verified one after the other, so that guessing takes
// time. Tokens, and passwords that were right within the last minute, are
// verified at once: they are never refused for what others at their address do.
//
// The APIs of a process share a Guard, so that their failures are counted
// together; each compares the count with its own max_auth_failures.
type Guard struct {
	pause    time.Duration
	now      func() time.Time
	suspects *lru.Cache[string, *suspect]
	friends  *lru.Cache[digest, time.Time] // until when
	hashes   *hashQueue
	delays   *delays

	mu     sync.Mutex
	limits []int // a minute, of the APIs, each once
}

// suspect is an address with failed attempts.
type suspect struct {
	failures map[int]*rate.Limiter // by the limit of an API; not changed
	turn     chan struct{}
	waiting  atomic.Int32
}

// NewGuard returns a guard that has seen no failures.
func NewGuard() *Guard {
	g := &Guard{pause: guessPause, now: time.Now, hashes: newHashQueue(), delays: newDelays()}
	g.suspects, _ = lru.New[string, *suspect](maxSuspects) // fails only for a size below 1
	g.friends, _ = lru.New[digest, time.Time](maxFriends)
	return g
}

// watch is a guard with the limit of one API: failures a minute, 0 for any
// number.
type watch struct {
	*Guard
	perMinute int
}

func (g *Guard) watch(perMinute int) watch {
	g.mu.Lock()
	defer g.mu.Unlock()
	if perMinute > 0 && !slices.Contains(g.limits, perMinute) {
		g.limits = append(g.limits, perMinute)
		g.suspects.Purge() // they lack this limit; APIs are made before requests come
	}
	return watch{g, perMinute}
}

// attempt is a request while its password is looked at.
type attempt struct {
	watch
	addr    string
	held    *suspect // whose turn it has, or nil
	guessed bool
}

// begin lets the password of a request from an address be looked at, at once or
// when it is its turn. The error is a *Failure, and means that it will not be
// looked at; else the attempt is to be ended.
func (w watch) begin(ctx context.Context, addr string) (*attempt, error) {
	a := &attempt{watch: w, addr: addr}
	s := w.over(addr)
	if s == nil {
		return a, nil
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > maxGuessers {
		return nil, w.tooMany(s)
	}
	select {
	case s.turn <- struct{}{}:
		a.held = s
		return a, nil
	case <-ctx.Done():
		return nil, w.tooMany(s)
	}
}

// over returns the address when it has failed too often lately, else nil.
func (w watch) over(addr string) *suspect {
	s, known := w.suspects.Get(addr)
	if !known || w.perMinute == 0 || s.failures[w.perMinute].TokensAt(w.now()) >= 1 {
		return nil
	}
	return s
}

// isFriend tells whether credentials were right within the last minute.
func (g *Guard) isFriend(credentials digest) bool {
	until, ok := g.friends.Get(credentials)
	return ok && g.now().Before(until)
}

// befriend notes that credentials were right.
func (g *Guard) befriend(credentials digest) {
	g.friends.Add(credentials, g.now().Add(rememberFor))
}

// hash waits until a password of the address may be hashed. The error is a
// *Failure; after a wait it counts as a wrong guess.
func (a *attempt) hash(ctx context.Context) (leave func(), err error) {
	leave, waited, err := a.hashes.enter(ctx, a.addr)
	switch {
	case err == nil && a.held == nil && a.over(a.addr) != nil:
		leave() // the address has failed too often meanwhile
		return nil, a.tooMany(a.over(a.addr))
	case err == nil:
		return leave, nil
	case waited:
		return nil, a.wrong(notHashed(err))
	}
	return nil, notHashed(err)
}

// notHashed is the answer to a password that there was no time to verify.
func notHashed(cause error) *Failure {
	f := &Failure{
		Status:  http.StatusServiceUnavailable,
		Reason:  ReasonUnavailable,
		Details: "too many passwords are waiting to be verified",
		Header:  http.Header{"Retry-After": {retryAfter}},
		Cause:   cause,
	}
	if errors.Is(cause, errAddressQueueFull) {
		f.Status, f.Reason = http.StatusTooManyRequests, ReasonTooManyRequests
		f.Details = "too many passwords from this address are waiting to be verified"
	}
	return f
}

// end lets the next request from the address have its turn, after a wrong
// guess not at once.
func (a *attempt) end() {
	switch {
	case a.held == nil:
	case a.guessed:
		time.AfterFunc(a.pause, func() { <-a.held.turn })
	default:
		<-a.held.turn
	}
}

// wrong notes that the password was wrong: see watch.wrong.
func (a *attempt) wrong(f *Failure) *Failure {
	a.guessed = true
	return a.watch.wrong(a.addr, f)
}

// wrong counts a failure of an address and returns the failure to answer with:
// the given one, or, when there were too many, a 429.
func (w watch) wrong(addr string, f *Failure) *Failure {
	limits := w.allLimits()
	if len(limits) == 0 {
		return f
	}
	s := w.suspect(addr, limits)
	answer := f
	for limit, failures := range s.failures {
		if !failures.AllowN(w.now(), 1) && limit == w.perMinute {
			answer = w.tooMany(s)
		}
	}
	return answer
}

func (g *Guard) allLimits() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limits // is only appended to
}

func (g *Guard) suspect(addr string, limits []int) *suspect {
	if s, known := g.suspects.Get(addr); known {
		return s
	}
	fresh := &suspect{failures: make(map[int]*rate.Limiter), turn: make(chan struct{}, 1)}
	for _, limit := range limits {
		fresh.failures[limit] = rate.NewLimiter(rate.Limit(float64(limit)/60), limit)
	}
	if s, known, _ := g.suspects.PeekOrAdd(addr, fresh); known {
		return s
	}
	return fresh
}

// holdBack delays a refusal, except a 401, by about the guard's pause, so that
// those of many connections do not end at the same moment. When too many are
// delayed it ends the connection instead.
func (g *Guard) holdBack(ctx context.Context, addr string, f *Failure, atMost time.Duration) {
	if f.Status == http.StatusUnauthorized || g.pause <= 0 {
		return
	}
	if g.delays.wait(ctx, addr, min(g.pause/2+rand.N(g.pause), atMost)) {
		return
	}
	f.Header = f.Header.Clone()
	if f.Header == nil {
		f.Header = make(http.Header)
	}
	f.Header.Set("Connection", "close")
}

// tooMany is the answer to an address that guesses (RFC 6585, section 4).
func (w watch) tooMany(s *suspect) *Failure {
	failures := s.failures[w.perMinute]
	missing := 1 - failures.TokensAt(w.now())
	seconds := max(1, int(math.Ceil(missing/float64(failures.Limit()))))
	return &Failure{
		Status:  http.StatusTooManyRequests,
		Reason:  ReasonTooManyRequests,
		Details: fmt.Sprintf("too many failed attempts from this address: wait %d s", seconds),
		Header:  http.Header{"Retry-After": {strconv.Itoa(seconds)}},
	}
}

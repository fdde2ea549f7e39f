package common

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
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

// guard slows down addresses that send wrong credentials. It lets each make
// some failed attempts a minute; the answer to more is 429, and they are looked
// at one after the other with a pause, so that guessing takes time. Right
// credentials are never refused for what others at their address do, and those
// that were right within the last minute do not even wait.
type guard struct {
	perMinute int // 0: no limit
	pause     time.Duration
	now       func() time.Time
	suspects  *lru.Cache[string, *suspect]
	friends   *lru.Cache[digest, time.Time] // until when
}

// suspect is an address with failed attempts.
type suspect struct {
	failures *rate.Limiter
	turn     chan struct{}
	waiting  atomic.Int32
}

func newGuard(perMinute int, now func() time.Time) *guard {
	g := &guard{perMinute: perMinute, pause: guessPause, now: now}
	g.suspects, _ = lru.New[string, *suspect](maxSuspects) // fails only for a size below 1
	g.friends, _ = lru.New[digest, time.Time](maxFriends)
	return g
}

// attempt is a request while its credentials are looked at.
type attempt struct {
	guard       *guard
	addr        string
	credentials digest
	held        *suspect // whose turn it has, or nil
	guessed     bool
}

// begin lets the credentials of a request from an address be looked at, at
// once or when it is its turn. The error is a *Failure, and means that they
// will not be looked at; else the attempt is to be ended.
func (g *guard) begin(ctx context.Context, addr string, credentials digest) (*attempt, error) {
	a := &attempt{guard: g, addr: addr, credentials: credentials}
	s, known := g.suspects.Get(addr)
	if !known || s.failures.TokensAt(g.now()) >= 1 || g.isFriend(credentials) {
		return a, nil
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > maxGuessers {
		return nil, g.tooMany(s)
	}
	select {
	case s.turn <- struct{}{}:
		a.held = s
		return a, nil
	case <-ctx.Done():
		return nil, g.tooMany(s)
	}
}

func (g *guard) isFriend(credentials digest) bool {
	until, ok := g.friends.Get(credentials)
	return ok && g.now().Before(until)
}

// end lets the next request from the address have its turn, after a wrong
// guess not at once.
func (a *attempt) end() {
	switch {
	case a.held == nil:
	case a.guessed:
		time.AfterFunc(a.guard.pause, func() { <-a.held.turn })
	default:
		<-a.held.turn
	}
}

// right notes that the credentials were right.
func (a *attempt) right() {
	a.guard.friends.Add(a.credentials, a.guard.now().Add(rememberFor))
}

// wrong notes that the credentials were wrong and returns the failure to answer
// with: the given one, or, when there were too many, a 429.
func (a *attempt) wrong(f *Failure) *Failure {
	a.guessed = true
	if a.guard.perMinute == 0 {
		return f
	}
	a.guard.friends.Remove(a.credentials)
	s := a.guard.suspect(a.addr)
	if s.failures.AllowN(a.guard.now(), 1) {
		return f
	}
	return a.guard.tooMany(s)
}

func (g *guard) suspect(addr string) *suspect {
	fresh := &suspect{
		failures: rate.NewLimiter(rate.Limit(float64(g.perMinute)/60), g.perMinute),
		turn:     make(chan struct{}, 1),
	}
	if s, known, _ := g.suspects.PeekOrAdd(addr, fresh); known {
		return s
	}
	return fresh
}

// tooMany is the answer to an address that guesses (RFC 6585, section 4).
func (g *guard) tooMany(s *suspect) *Failure {
	missing := 1 - s.failures.TokensAt(g.now())
	seconds := max(1, int(math.Ceil(missing/float64(s.failures.Limit()))))
	return &Failure{
		Status:  http.StatusTooManyRequests,
		Reason:  ReasonTooManyRequests,
		Details: fmt.Sprintf("too many failed attempts from this address: wait %d s", seconds),
		Header:  http.Header{"Retry-After": {strconv.Itoa(seconds)}},
	}
}

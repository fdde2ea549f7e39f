package auth

import (
	"context"
	"errors"
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
	// maxSuspects is how many clients with failed attempts are remembered.
	maxSuspects = 10_000
	// maxTrusted is how many recently verified credentials are remembered.
	maxTrusted = 10_000
	// guessInterval is the time between two guesses of a client that has made
	// too many.
	guessInterval = time.Second
	// maxGuessers is how many requests of such a client may wait.
	maxGuessers = 16
	// RetryAfter is what a 503 of the APIs suggests, in seconds.
	RetryAfter = "5"
)

// Throttle slows down clients that send wrong credentials. Each client has a
// number of failed attempts a minute; the answer to more is a delayed 429, and its
// passwords are verified one at a time, so that guessing takes time. Tokens, and
// passwords that were right within the last minute, are verified at once and never
// refused for the failures of others at the same address.
//
// The APIs of a process share a Throttle, so that their failures are counted
// together; each compares the count with its own max_auth_failures.
type Throttle struct {
	// Interval is the time between two guesses of a client that has made too
	// many, and about how long refusals are delayed. It is a second by default,
	// and must not be changed once the Throttle is used.
	Interval time.Duration

	now      func() time.Time
	suspects *lru.Cache[string, *suspect]
	trusted  *lru.Cache[digest, time.Time] // when the trust ends
	hashes   *hashQueue
	delays   *delays

	mu     sync.Mutex
	limits []int // failures per minute of each API, without duplicates
}

// suspect is a client with failed attempts.
type suspect struct {
	failures map[int]*rate.Limiter // by the limit of an API; immutable
	turn     chan struct{}
	waiting  atomic.Int32
}

// NewThrottle returns a throttle that has seen no failures.
func NewThrottle() *Throttle {
	t := &Throttle{Interval: guessInterval, now: time.Now, hashes: newHashQueue(), delays: newDelays()}
	t.suspects, _ = lru.New[string, *suspect](maxSuspects) // fails only for a size below 1
	t.trusted, _ = lru.New[digest, time.Time](maxTrusted)
	return t
}

// limit is a throttle with one API's failures per minute; 0 means any number.
type limit struct {
	*Throttle
	perMinute int
}

func (t *Throttle) withLimit(perMinute int) limit {
	t.mu.Lock()
	defer t.mu.Unlock()
	if perMinute > 0 && !slices.Contains(t.limits, perMinute) {
		t.limits = append(t.limits, perMinute)
		t.suspects.Purge() // they lack this limit; APIs are made before requests come
	}
	return limit{t, perMinute}
}

// attempt is one verification of a password.
type attempt struct {
	limit
	client  string
	held    *suspect // the suspect whose turn this attempt occupies, or nil
	guessed bool
}

// begin returns an attempt, which must be ended. A client with too many failures
// waits for its turn, or is refused.
func (l limit) begin(ctx context.Context, client string) (*attempt, *Refusal) {
	a := &attempt{limit: l, client: client}
	s := l.overLimit(client)
	if s == nil {
		return a, nil
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > maxGuessers {
		return nil, l.tooMany(s)
	}
	select {
	case s.turn <- struct{}{}:
		a.held = s
		return a, nil
	case <-ctx.Done():
		return nil, l.tooMany(s)
	}
}

// overLimit returns the suspect of a client that has exceeded its failures, else
// nil.
func (l limit) overLimit(client string) *suspect {
	s, known := l.suspects.Get(client)
	if !known || l.perMinute == 0 || s.failures[l.perMinute].TokensAt(l.now()) >= 1 {
		return nil
	}
	return s
}

// isTrusted reports whether credentials were right within the last minute.
func (t *Throttle) isTrusted(credentials digest) bool {
	until, ok := t.trusted.Get(credentials)
	return ok && t.now().Before(until)
}

// trust remembers that credentials were right.
func (t *Throttle) trust(credentials digest) {
	t.trusted.Add(credentials, t.now().Add(rememberFor))
}

// hash waits until the attempt's password may be hashed. A refusal after a wait
// counts as a wrong guess.
func (a *attempt) hash(ctx context.Context) (leave func(), refusal *Refusal) {
	leave, waited, err := a.hashes.enter(ctx, a.client)
	switch {
	case err == nil && a.held == nil && a.overLimit(a.client) != nil:
		leave() // exceeded while it waited
		return nil, a.tooMany(a.overLimit(a.client))
	case err == nil:
		return leave, nil
	case waited:
		return nil, a.wrong(notHashed(err))
	}
	return nil, notHashed(err)
}

// notHashed is the refusal of a password that could not be hashed in time.
func notHashed(cause error) *Refusal {
	r := &Refusal{
		Status:  http.StatusServiceUnavailable,
		Details: "too many passwords are waiting to be verified",
		Header:  http.Header{"Retry-After": {RetryAfter}},
		Cause:   cause,
	}
	if errors.Is(cause, errAddressQueueFull) {
		r.Status = http.StatusTooManyRequests
		r.Details = "too many passwords from this address are waiting to be verified"
	}
	return r
}

// end releases the client's turn, after a wrong guess only when the interval has
// passed.
func (a *attempt) end() {
	switch {
	case a.held == nil:
	case a.guessed:
		time.AfterFunc(a.Interval, func() { <-a.held.turn })
	default:
		<-a.held.turn
	}
}

// wrong marks the attempt as a wrong guess and counts it: see limit.wrong.
func (a *attempt) wrong(r *Refusal) *Refusal {
	a.guessed = true
	return a.limit.wrong(a.client, r)
}

// wrong counts a failure of a client. It returns the given refusal, or a 429 when
// the client has exceeded the API's limit.
func (l limit) wrong(client string, r *Refusal) *Refusal {
	limits := l.allLimits()
	if len(limits) == 0 {
		return r
	}
	s := l.suspect(client, limits)
	answer := r
	for perMinute, failures := range s.failures {
		if !failures.AllowN(l.now(), 1) && perMinute == l.perMinute {
			answer = l.tooMany(s)
		}
	}
	return answer
}

func (t *Throttle) allLimits() []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.limits // append-only
}

func (t *Throttle) suspect(client string, limits []int) *suspect {
	if s, known := t.suspects.Get(client); known {
		return s
	}
	fresh := &suspect{failures: make(map[int]*rate.Limiter), turn: make(chan struct{}, 1)}
	for _, perMinute := range limits {
		fresh.failures[perMinute] = rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)
	}
	if s, known, _ := t.suspects.PeekOrAdd(client, fresh); known {
		return s
	}
	return fresh
}

// holdBack delays a refusal, except a 401, for a random time around the interval,
// at most for atMost. When too many are delayed it makes the response close the
// connection.
func (t *Throttle) holdBack(ctx context.Context, client string, r *Refusal, atMost time.Duration) {
	if r.Status == http.StatusUnauthorized || t.Interval <= 0 {
		return
	}
	if t.delays.wait(ctx, client, min(t.Interval/2+rand.N(t.Interval), atMost)) {
		return
	}
	r.Header = r.Header.Clone()
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header.Set("Connection", "close")
}

// tooMany is the refusal of a client that guesses (RFC 6585, section 4).
func (l limit) tooMany(s *suspect) *Refusal {
	failures := s.failures[l.perMinute]
	missing := 1 - failures.TokensAt(l.now())
	seconds := max(1, int(math.Ceil(missing/float64(failures.Limit()))))
	r := refuse(http.StatusTooManyRequests, "too many failed attempts from this address: wait %d s", seconds)
	r.Header = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	return r
}

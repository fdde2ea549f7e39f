package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

const (
	// guessConnections send made-up credentials without pause, from one
	// address; moreConnections do so to the other API.
	guessConnections = 600
	moreConnections  = 100
	// guessAskers ask with a valid token meanwhile, from the same address.
	guessAskers = 4
	// guessPause is between two requests of an asker.
	guessPause = 5 * time.Millisecond
	// guessRatio is how much slower than in quiet an asker's slowest 1 % of
	// answers may be.
	guessRatio = 3
	// hashedUser has a password that is stored as a hash.
	hashedUser, hashedPassword = "hashed", "a password that is stored as a hash"
)

// guesses sends made-up credentials over hundreds of connections. Requests with
// a valid token, or with a password that was right lately, are answered as in
// quiet, and a right password of another address is verified soon.
func guesses(ctx context.Context, e *rig.Env) (counts, error) {
	g := &guessing{Env: e, span: time.Duration(e.Pick(30, 6)) * time.Second}
	err := g.run(ctx)
	return g.counts(), err
}

type guessing struct {
	*rig.Env
	span  time.Duration
	peer  *rig.Peer
	id    string // of a pin
	token string

	quiet, loaded timings
	guessed       atomic.Int64
	slowed        atomic.Int64 // guesses that were answered with 429
	fresh         time.Duration
}

// timings are the answers to requests with valid credentials.
type timings struct {
	mu          sync.Mutex
	took        []time.Duration
	unavailable int // 503
}

func (t *timings) p99() time.Duration {
	if len(t.took) == 0 {
		return 0
	}
	slices.Sort(t.took)
	return t.took[len(t.took)*99/100]
}

func (g *guessing) counts() counts {
	quiet, loaded := g.quiet.p99(), g.loaded.p99()
	return counts{{"guesses", int(g.guessed.Load())}, {"of them 429", int(g.slowed.Load())},
		{"requests of valid tokens", len(g.loaded.took)}, {"503", g.loaded.unavailable},
		{"p99 µs in quiet", int(quiet.Microseconds())}, {"p99 µs under guesses", int(loaded.Microseconds())},
		{"ratio in percent", int(100 * loaded / max(quiet, 1))},
		{"ms for a new password of another address", int(g.fresh.Milliseconds())}}
}

func (g *guessing) run(ctx context.Context) error {
	hash, err := auth.HashPassword(hashedPassword)
	if err != nil {
		return err
	}
	if g.token, err = auth.IssueToken(hashedUser, hash, time.Hour); err != nil {
		return err
	}
	var o process.Options
	for _, section := range []string{"pinsvcapi", "restapi"} {
		o.Set = append(o.Set, process.Setting{Value: hash, Path: []string{"api", section, "basic_auth_credentials", hashedUser}})
	}
	if g.peer, err = g.NewPeer(ctx, "peer", o); err != nil {
		return err
	}
	if _, err := g.peer.Start(ctx, ""); err != nil {
		return err
	}
	pin, err := g.peer.Pins.Post(ctx, rig.PinBody{CID: rig.InlineCID("guesses"), Name: "guesses"})
	if err != nil {
		return err
	}
	g.id = pin.RequestID
	if err := g.ask(ctx, &timings{}, time.Second); err != nil { // warms up
		return err
	}
	if err := g.ask(ctx, &g.quiet, g.span/2); err != nil {
		return err
	}
	if err := g.underGuesses(ctx); err != nil {
		return err
	}
	return errors.Join(g.judge(), g.peer.Alive())
}

// underGuesses asks while others guess.
func (g *guessing) underGuesses(ctx context.Context) error {
	during, end := context.WithCancel(ctx)
	defer end()
	fns := []func(context.Context) error{func(ctx context.Context) error {
		defer end()
		return rig.Concurrently(ctx,
			func(ctx context.Context) error { return g.ask(ctx, &g.loaded, g.span) },
			func(ctx context.Context) error { return g.enter(ctx) })
	}}
	for i := range guessConnections + moreConnections {
		fns = append(fns, func(context.Context) error {
			g.guess(during, i)
			return nil
		})
	}
	return rig.Concurrently(ctx, fns...)
}

// guess sends wrong passwords and tokens over one connection at a time.
func (g *guessing) guess(ctx context.Context, i int) {
	api := g.peer.Pins
	if i >= guessConnections {
		api = g.peer.Rest
	}
	c := &http.Client{Timeout: rig.RequestTimeout, Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer c.CloseIdleConnections()
	for n := 0; ctx.Err() == nil; n++ {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, api.URL+"/pins/"+g.id, nil)
		if err != nil {
			return
		}
		switch {
		case n > 0 && i%6 == 0: // the first ones all wait to be hashed
			req.Header.Set("Authorization", "Bearer made.up."+fmt.Sprint(i, n))
		case n%2 == 0:
			req.SetBasicAuth(hashedUser, fmt.Sprint("made up ", i, n))
		default:
			req.SetBasicAuth(fmt.Sprint("nobody", i), "made up")
		}
		res, err := c.Do(req)
		if err != nil {
			continue
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		g.guessed.Add(1)
		if res.StatusCode == http.StatusTooManyRequests {
			g.slowed.Add(1)
		}
	}
}

// ask asks for a pin with a valid token, and notes how long each answer took.
func (g *guessing) ask(ctx context.Context, into *timings, span time.Duration) error {
	until := time.Now().Add(span)
	var fns []func(context.Context) error
	for range guessAskers {
		fns = append(fns, func(ctx context.Context) error {
			c := &http.Client{Timeout: rig.RequestTimeout, Transport: &http.Transport{}}
			defer c.CloseIdleConnections()
			for time.Now().Before(until) && ctx.Err() == nil {
				begin := time.Now()
				status, err := g.get(ctx, c, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+g.token) })
				if err != nil {
					return err
				}
				into.note(status, time.Since(begin))
				rig.Sleep(ctx, guessPause)
			}
			return ctx.Err()
		})
	}
	return rig.Concurrently(ctx, fns...)
}

func (t *timings) note(status int, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took = append(t.took, took)
	if status != http.StatusOK {
		t.unavailable++
	}
}

func (g *guessing) get(ctx context.Context, c *http.Client, authorize func(*http.Request)) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.peer.Pins.URL+"/pins/"+g.id, nil)
	if err != nil {
		return 0, err
	}
	authorize(req)
	res, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// enter sends the right password of the hashed user from another address, in
// the middle of the guesses.
func (g *guessing) enter(ctx context.Context) error {
	rig.Sleep(ctx, g.span/2)
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	c := &http.Client{Timeout: rig.RequestTimeout, Transport: &http.Transport{DialContext: dialer.DialContext}}
	defer c.CloseIdleConnections()
	begin := time.Now()
	status, err := g.get(ctx, c, func(r *http.Request) { r.SetBasicAuth(hashedUser, hashedPassword) })
	g.fresh = time.Since(begin)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("a right password of another address: %d", status)
	}
	return err
}

// judge compares the answers under guesses with those in quiet.
func (g *guessing) judge() error {
	if g.loaded.unavailable > 0 {
		return fmt.Errorf("%d of %d requests with a valid token failed", g.loaded.unavailable, len(g.loaded.took))
	}
	quiet, loaded := g.quiet.p99(), g.loaded.p99()
	if loaded > g.Bound(guessRatio*quiet) {
		return fmt.Errorf("99 %% of answers took %s in quiet, and %s under guesses", quiet, loaded)
	}
	if g.fresh > g.Bound(rig.AnswerBound) {
		return fmt.Errorf("a right password of another address took %s", g.fresh)
	}
	return nil
}

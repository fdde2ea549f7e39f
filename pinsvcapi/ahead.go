package pinsvcapi

import (
	"errors"
	"sync"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// ahead makes numbered calls in the background: in order, at most limit at a time, up
// to a number that its user raises. The user waits for calls by number, so a slow call
// delays only those after it; with pinset.Parallel, the slowest call of a batch delays
// the next batch. Goroutines end when no call is allowed to begin.
//
// Only the calls are concurrent: it has one user.
type ahead struct {
	call  func(i int) error
	limit int // of calls at a time
	calls sync.WaitGroup

	mu       sync.Mutex
	enough   sync.Cond // missing is 0, or a call has panicked
	allowed  int       // calls below this may begin
	begun    int       // calls below this have begun
	waited   int       // the results of calls below this were returned
	upTo     int       // wait waits for the calls below this
	missing  int       // of them, those that have not ended
	workers  int
	results  map[int]error // of calls that have ended and were not returned
	panicked any           // what a call panicked with, nil: none has
}

// newAhead returns an ahead whose first call is call(from).
func newAhead(from, limit int, call func(i int) error) *ahead {
	a := &ahead{call: call, limit: limit, allowed: from, begun: from, waited: from, results: make(map[int]error)}
	a.enough.L = &a.mu
	return a
}

// allow allows the calls below to, and starts goroutines for them.
func (a *ahead) allow(to int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.panicked != nil || to <= a.allowed {
		return
	}
	a.allowed = to
	for range min(a.limit-a.workers, a.allowed-a.begun) {
		a.workers++
		a.calls.Go(a.work)
	}
}

// work makes calls until none is allowed. It holds the lock except during a call.
func (a *ahead) work() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.begun < a.allowed {
		i := a.begun
		a.begun++
		a.mu.Unlock()
		var err error
		panicked := pinset.Caught(func() { err = a.call(i) })
		a.mu.Lock()
		a.results[i] = err
		if i < a.upTo {
			a.missing--
		}
		if panicked != nil {
			a.panicked, a.allowed = panicked, 0
		}
		if i < a.upTo && a.missing == 0 || panicked != nil {
			a.enough.Signal()
		}
	}
	a.workers--
}

// wait returns when all calls below to, which have to be allowed, have returned. It
// returns the errors that it has not returned before, and panics when a call has
// panicked.
func (a *ahead) wait(to int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.upTo, a.missing = to, 0
	for i := a.waited; i < to; i++ {
		if _, ok := a.results[i]; !ok {
			a.missing++
		}
	}
	for a.missing > 0 && a.panicked == nil {
		a.enough.Wait()
	}
	if a.panicked != nil {
		panic(a.panicked)
	}
	var errs []error
	for ; a.waited < to; a.waited++ {
		errs = append(errs, a.results[a.waited])
		delete(a.results, a.waited)
	}
	return errors.Join(errs...)
}

// stop prevents further calls and returns when all that have begun have returned.
func (a *ahead) stop() {
	a.mu.Lock()
	a.allowed = 0
	a.mu.Unlock()
	a.calls.Wait()
}

package common

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// smallRequest is how many bytes each request has without counting. The
	// bounds of requests and connections bound their sum.
	smallRequest = 32 << 10
	// leastBudget is the smallest budget, in bytes: the largest pin, with what
	// is done with it, fits into each of its parts.
	leastBudget = 32 << 20
	// budgetPatience is how long a request waits for room until it is answered
	// with 503.
	budgetPatience = 10 * time.Second
)

// Budget bounds the bytes of pins, bodies and answers that are in memory at once.
// The APIs of a process share one.
//
// It has two parts, so that no request holds what another one waits for: `held`
// is for as long as clients take to send and to read, and a request waits for it
// only while it has none of it. `work` is for reading and writing the pinset,
// which no client can delay; it may be waited for by requests that hold a part of
// `held`, and whoever has `work` never waits for `held`.
type Budget struct {
	held, work         *semaphore.Weighted
	heldSize, workSize int64
	largest            atomic.Int64 // bytes of the largest pin that was seen
	patience           time.Duration
}

// NewBudget returns a budget of a number of bytes; 0 means the default, an eighth
// of the memory limit of this process, at most 128 MiB. Less than 32 MiB is
// taken for 32 MiB.
func NewBudget(bytes int64) *Budget {
	if bytes == 0 {
		bytes = defaultBudget()
	}
	bytes = max(bytes, leastBudget)
	b := &Budget{workSize: bytes / 4, patience: budgetPatience}
	b.heldSize = bytes - b.workSize
	b.held, b.work = semaphore.NewWeighted(b.heldSize), semaphore.NewWeighted(b.workSize)
	return b
}

// Saw notes the size of a pin of the pinset, in bytes. As long as all pins are
// small, reading them needs no room.
func (b *Budget) Saw(bytes int) {
	if b == nil {
		return
	}
	for n := int64(bytes); ; {
		old := b.largest.Load()
		if n <= old || b.largest.CompareAndSwap(old, n) {
			return
		}
	}
}

// Largest returns the size of the largest pin that was seen, in bytes.
func (b *Budget) Largest() int64 {
	if b == nil {
		return 0
	}
	return b.largest.Load()
}

// Size returns how many bytes one request may have at most.
func (b *Budget) Size() int64 { return b.heldSize }

// Work waits for room to read or write pins of a number of bytes in all. It
// returns what gives the room back, or an error with status 503. The caller must
// not wait for a client, nor for Lease.Wait, before it has given the room back.
func (b *Budget) Work(ctx context.Context, bytes int64) (done func(), err error) {
	if b == nil || bytes <= smallRequest {
		return func() {}, nil
	}
	bytes = min(bytes, b.workSize)
	if err := b.acquire(ctx, b.work, bytes); err != nil {
		return nil, err
	}
	return func() { b.work.Release(bytes) }, nil
}

func (b *Budget) acquire(ctx context.Context, from *semaphore.Weighted, bytes int64) error {
	if from.TryAcquire(bytes) {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	err := from.Acquire(within, bytes)
	if err != nil && ctx.Err() == nil {
		return memoryShort()
	}
	return err
}

// memoryShort is the failure of a request for which there is no room.
func memoryShort() *Failure {
	return &Failure{
		Status:  http.StatusServiceUnavailable,
		Reason:  ReasonUnavailable,
		Details: "too many large requests at once",
		Header:  http.Header{"Retry-After": {retryAfter}},
	}
}

// IsMemoryShort tells whether an error says that there was no room for a request.
func IsMemoryShort(err error) bool {
	var f *Failure
	return errors.As(err, &f) && f.Details == memoryShort().Details
}

// Lease is the part of a budget that one request holds. It is for one goroutine.
// A nil Lease has room for everything.
type Lease struct {
	budget *Budget
	total  int64 // what the request has in memory
	taken  int64 // of the budget
}

// LeaseOf returns the lease of a request that came through a Handler, which
// returns it when the request has been answered.
func LeaseOf(ctx context.Context) *Lease {
	rec, ok := ctx.Value(recordKey{}).(*record)
	if !ok || rec.lease.budget == nil {
		return nil
	}
	return &rec.lease
}

// NewLease returns a lease that is not a request's. The caller releases it.
func (b *Budget) NewLease() *Lease { return &Lease{budget: b} }

// Grow adds a number of bytes, or returns an error with status 503. It does not
// wait, since the request may hold what others wait for.
func (l *Lease) Grow(bytes int64) error {
	more := l.missing(bytes)
	if more > 0 && !l.budget.held.TryAcquire(more) {
		return memoryShort()
	}
	l.add(bytes, more)
	return nil
}

// Wait is Grow for a request that holds nothing of the budget: it waits a while
// for room. For any other request it is Grow.
func (l *Lease) Wait(ctx context.Context, bytes int64) error {
	more := l.missing(bytes)
	if more == 0 || l.taken > 0 {
		return l.Grow(bytes)
	}
	if err := l.budget.acquire(ctx, l.budget.held, more); err != nil {
		return err
	}
	l.add(bytes, more)
	return nil
}

// missing returns how much more of the budget is needed for more bytes. What is
// larger than the whole budget has to have all of it.
func (l *Lease) missing(bytes int64) int64 {
	if l == nil {
		return 0
	}
	return max(0, min(l.total+bytes-smallRequest, l.budget.heldSize)-l.taken)
}

func (l *Lease) add(bytes, more int64) {
	if l != nil {
		l.total += bytes
		l.taken += more
	}
}

// Shrink gives a number of bytes back.
func (l *Lease) Shrink(bytes int64) {
	if l == nil {
		return
	}
	l.total = max(0, l.total-bytes)
	if keep := max(0, l.total-smallRequest); keep < l.taken {
		l.budget.held.Release(l.taken - keep)
		l.taken = keep
	}
}

// Release gives all of it back.
func (l *Lease) Release() {
	if l != nil {
		l.Shrink(l.total)
	}
}

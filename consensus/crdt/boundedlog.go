package crdt

import (
	"sync"

	logging "github.com/ipfs/go-log/v2"
	"golang.org/x/time/rate"
)

// maxLines bounds the warnings and errors of one kind that are written to the
// log in a minute. Other peers cause them.
const maxLines = 20

// boundedLog is a logger that leaves out warnings and errors beyond maxLines. The
// next one that is written is preceded by their number.
type boundedLog struct {
	logging.StandardLogger
	limiter *rate.Limiter

	mu   sync.Mutex
	left int // out
}

func newBoundedLog() *boundedLog {
	return &boundedLog{StandardLogger: logger, limiter: rate.NewLimiter(rate.Limit(maxLines)/60, maxLines)}
}

// allow reports whether a line may be written.
func (b *boundedLog) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.limiter.Allow() {
		b.left++
		return false
	}
	if b.left > 0 {
		b.StandardLogger.Warnf("%d messages like the next one were left out", b.left)
		b.left = 0
	}
	return true
}

func (b *boundedLog) Warn(args ...any) {
	if b.allow() {
		b.StandardLogger.Warn(args...)
	}
}

func (b *boundedLog) Warnf(format string, args ...any) {
	if b.allow() {
		b.StandardLogger.Warnf(format, args...)
	}
}

func (b *boundedLog) Error(args ...any) {
	if b.allow() {
		b.StandardLogger.Error(args...)
	}
}

func (b *boundedLog) Errorf(format string, args ...any) {
	if b.allow() {
		b.StandardLogger.Errorf(format, args...)
	}
}

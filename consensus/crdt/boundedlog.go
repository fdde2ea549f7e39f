package crdt

import (
	"sync"

	logging "github.com/ipfs/go-log/v2"
	"golang.org/x/time/rate"
)

// maxLines bounds the warnings and errors of one kind that are written to the
// log in a minute. Other peers cause them.
const maxLines = 20

// boundedLog is a logger that suppresses warnings and errors beyond maxLines. The next
// written message is preceded by the number of suppressed ones.
type boundedLog struct {
	logging.StandardLogger
	limiter *rate.Limiter

	mu   sync.Mutex
	left int // out
}

// newBoundedLog returns a logger of its own: a flood of one kind of messages must not
// suppress the others.
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

// Warn and the other methods write a message if allow does. Debug and info messages are not
// bounded: they are off by default.
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

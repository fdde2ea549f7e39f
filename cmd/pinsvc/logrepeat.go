package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap/zapcore"
)

const (
	// repeatWindow is how long the repetitions of a message are only counted.
	repeatWindow = 10 * time.Second
	// freeRepeats is how often a message is written in a window.
	freeRepeats = 5
	// maxRepeated is how many different messages are counted at once; others
	// are written as they are.
	maxRepeated = 1000
)

// repeatCore writes the first few occurrences of a warning or an error within a
// window and then only their number: an unreachable IPFS node must not fill a
// disk with one message. Messages that differ only in numbers (ports,
// durations) are the same message. Lower levels pass unchanged, because each
// line of the audit and access logs counts.
type repeatCore struct {
	zapcore.Core
	seen *repeats
}

// repeats are the messages whose windows are open. All loggers share them.
type repeats struct {
	mu    sync.Mutex
	of    map[string]*repeated
	after func(time.Duration, func()) // time.AfterFunc
}

// repeated is a message and its window.
type repeated struct {
	count int
	last  func(more int) // writes the newest one, with the number of those that were not
}

// newRepeatCore wraps the core of all loggers of the process.
func newRepeatCore(inner zapcore.Core) zapcore.Core {
	return &repeatCore{inner, &repeats{
		of:    make(map[string]*repeated),
		after: func(d time.Duration, f func()) { time.AfterFunc(d, f) },
	}}
}

// With implements zapcore.Core.
func (c *repeatCore) With(fields []zapcore.Field) zapcore.Core {
	return &repeatCore{c.Core.With(fields), c.seen}
}

// Check implements zapcore.Core.
func (c *repeatCore) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return to.AddCore(e, c)
	}
	return to
}

// Write implements zapcore.Core.
func (c *repeatCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if e.Level != zapcore.WarnLevel && e.Level != zapcore.ErrorLevel {
		return c.Core.Write(e, fields)
	}
	more := func(n int) {
		e.Message = fmt.Sprintf("%s (%s within %s)", e.Message, counted(n, "more such message"), repeatWindow)
		_ = c.Core.Write(e, fields) // there is nowhere to tell that it cannot be written
	}
	if c.seen.suppress(e.LoggerName+" "+withoutNumbers(e.Message), more) {
		return nil
	}
	return c.Core.Write(e, fields)
}

// suppress reports whether a message should only be counted; more writes its
// newest occurrence with the number of those that were not written. The first
// occurrence opens a window. When too many windows are open, messages are not
// suppressed: an unbounded map would be worse than a long log.
func (r *repeats) suppress(key string, more func(int)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.of[key]
	if m == nil {
		if len(r.of) >= maxRepeated {
			return false
		}
		m = &repeated{}
		r.of[key] = m
		r.after(repeatWindow, func() { r.end(key) })
	}
	m.count++
	m.last = more
	return m.count > freeRepeats
}

// end closes the window of a message and writes the number of suppressed
// occurrences.
func (r *repeats) end(key string) {
	r.mu.Lock()
	m := r.of[key]
	delete(r.of, key)
	r.mu.Unlock()
	if n := m.count - freeRepeats; n > 0 {
		m.last(n)
	}
}

// withoutNumbers replaces each number by a 0, so that messages that differ only
// in numbers have the same key.
func withoutNumbers(text string) string {
	var b strings.Builder
	number := false
	for _, c := range text {
		digit := '0' <= c && c <= '9'
		if !digit {
			b.WriteRune(c)
		} else if !number {
			b.WriteByte('0')
		}
		number = digit
	}
	return b.String()
}

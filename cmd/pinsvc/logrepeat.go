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

// repeatCore writes a warning or an error that repeats only a few times within a
// window, and then how often it came. Messages that differ only in numbers, such
// as ports and durations, are the same. Lower levels pass: each line of the audit
// and access logs counts.
type repeatCore struct {
	zapcore.Core
	seen *repeats
}

// repeats are the messages of the windows that are open, for all loggers.
type repeats struct {
	mu    sync.Mutex
	of    map[string]*repeated
	after func(time.Duration, func()) // time.AfterFunc
}

// repeated is one message in its window.
type repeated struct {
	count int
	last  func(more int) // writes the newest one, with the number of those that were not
}

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
	if c.seen.counted(e.LoggerName+" "+withoutNumbers(e.Message), more) {
		return nil
	}
	return c.Core.Write(e, fields)
}

// counted tells whether a message is only counted. The first one opens a window.
func (r *repeats) counted(key string, more func(int)) bool {
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

// end closes the window of a message.
func (r *repeats) end(key string) {
	r.mu.Lock()
	m := r.of[key]
	delete(r.of, key)
	r.mu.Unlock()
	if n := m.count - freeRepeats; n > 0 {
		m.last(n)
	}
}

// withoutNumbers replaces every digit, and what follows of its number.
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

package common

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/felixge/httpsnoop"
)

// limits are the times that a client may take, once its headers are read. 0
// means for ever.
type limits struct {
	read, write time.Duration
}

func limitsOf(cfg *Config) limits {
	return limits{read: cfg.ReadTimeout.Std(), write: cfg.WriteTimeout.Std()}
}

// part returns how long something before the answer may take at most: d, or
// half of what the client has in all.
func (l limits) part(d time.Duration) time.Duration {
	for _, limit := range []time.Duration{l.read, l.write} {
		if limit > 0 {
			d = min(d, limit/2)
		}
	}
	return d
}

// whole limits a request that is answered at once. The server's own deadlines
// stay, but for one: net/http cancels a request whose read deadline passes,
// even when all of it was read long before.
func (l limits) whole(w http.ResponseWriter, r *http.Request) (*http.Request, context.CancelFunc) {
	cancel := context.CancelFunc(func() {})
	if l.write > 0 {
		ctx := r.Context()
		ctx, cancel = context.WithTimeout(ctx, l.write-min(l.write/10, 2*time.Second))
		r = r.WithContext(ctx)
	}
	if l.read > 0 {
		conn := http.NewResponseController(w)
		setBody(r, nil, func() { _ = conn.SetReadDeadline(time.Time{}) })
	}
	return r, cancel
}

// parts limits a request with a streamed body or answer: each read and each
// write by itself, however long all of them take together.
func (l limits) parts(w http.ResponseWriter, r *http.Request) (_ http.ResponseWriter, done func()) {
	conn := http.NewResponseController(w)
	within := func(set func(time.Time) error, limit time.Duration) {
		if limit > 0 {
			_ = set(time.Now().Add(limit)) // not supported in tests without a connection
		}
	}
	forever := func(set func(time.Time) error) { _ = set(time.Time{}) }
	setBody(r,
		func() { within(conn.SetReadDeadline, l.read) },
		func() { forever(conn.SetReadDeadline) })
	forever(conn.SetWriteDeadline)
	before := func() { within(conn.SetWriteDeadline, l.write) }
	after := func() { forever(conn.SetWriteDeadline) }
	// What is left in buffers is sent when the handler has returned.
	return bracketed(w, before, after), before
}

// writePart is how many bytes a client has to take within the write timeout.
const writePart = 32 << 10

// bracketed calls before and after around everything that may write to the
// connection.
func bracketed(w http.ResponseWriter, before, after func()) http.ResponseWriter {
	var wrapped http.ResponseWriter
	wrapped = httpsnoop.Wrap(w, httpsnoop.Hooks{
		Write: func(next httpsnoop.WriteFunc) httpsnoop.WriteFunc {
			return func(p []byte) (n int, err error) {
				defer after()
				for len(p) > 0 && err == nil { // a slow client has the time for each part
					part := p[:min(len(p), writePart)]
					before()
					var sent int
					sent, err = next(part)
					n, p = n+sent, p[len(part):]
				}
				return n, err
			}
		},
		Flush: func(next httpsnoop.FlushFunc) httpsnoop.FlushFunc {
			return func() {
				before()
				defer after()
				next()
			}
		},
		ReadFrom: func(httpsnoop.ReadFromFunc) httpsnoop.ReadFromFunc {
			return func(src io.Reader) (int64, error) { // in parts, each with its own limit
				return io.Copy(struct{ io.Writer }{wrapped}, src)
			}
		},
	})
	return wrapped
}

// setBody calls before every read of a request's body and atEnd when all of it
// is read, at once when there is none.
func setBody(r *http.Request, before, atEnd func()) {
	if r.Body == nil || r.Body == http.NoBody {
		atEnd()
		return
	}
	r.Body = &watchedBody{ReadCloser: r.Body, before: before, atEnd: atEnd}
}

type watchedBody struct {
	io.ReadCloser
	before, atEnd func() // before may be nil
}

func (b *watchedBody) Read(p []byte) (int, error) {
	if b.before != nil {
		b.before()
	}
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.atEnd()
	}
	return n, err
}

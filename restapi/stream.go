package restapi

import (
	"bufio"
	"encoding/json"
	"iter"
	"net/http"
	"sync"
	"time"

	"github.com/ipfs-cluster/pinsvc/common"
)

const (
	// errorTrailer is the trailer with the errors after the first value, empty if
	// there are none.
	errorTrailer = "X-Stream-Error"
	// lineBuffer is how much of a stream is collected before it is sent, in bytes.
	lineBuffer = 32 << 10
	// lineDelay is how long a line may wait to be sent with others.
	lineDelay = 100 * time.Millisecond
)

// streamed returns the route for a function that lists values. The response has one
// value in a line, or is a 204 without values. An error before the first value is
// handled like that of any route; later ones are in a trailer.
func streamed[T any](list func(*http.Request) (iter.Seq2[T, error], error)) common.Stream {
	return func(w http.ResponseWriter, r *http.Request) error {
		values, err := list(r)
		if err != nil {
			return err
		}
		return writeLines(w, r, values, nil)
	}
}

// writeLines responds with a sequence, or returns the first error when there are no
// values. last, if it is not nil, returns an extra last line for the first error after
// the first value.
func writeLines[T any](w http.ResponseWriter, r *http.Request, values iter.Seq2[T, error], last func(error) any) (err error) {
	out := newLines(w, r)
	out.last = last
	defer func() { err = out.end() }()
	for v, err := range values {
		if err != nil {
			out.errors = append(out.errors, err)
			continue
		}
		if err := out.write(v); err != nil {
			logger.Debugw("the client does not read on", "method", r.Method, "path", r.URL.EscapedPath(), "error", err)
			return nil
		}
	}
	out.done = true
	return nil
}

// lines is a response of JSON values, one in a line.
type lines struct {
	w       http.ResponseWriter
	r       *http.Request
	buffer  *lazyWriter
	encoder *json.Encoder
	errors  []error
	// last returns an extra line for the first error. Nil: there is none.
	last  func(error) any
	begun bool
	done  bool // all values were written
}

// newLines returns a response that has not begun.
func newLines(w http.ResponseWriter, r *http.Request) *lines {
	buffer := newLazyWriter(w)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	return &lines{w: w, r: r, buffer: buffer, encoder: encoder}
}

// write writes a value. The first one begins the response, so that errors before it can
// have a status.
func (l *lines) write(v any) error {
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", "application/json")
		l.w.Header().Set("Trailer", errorTrailer)
		l.w.WriteHeader(http.StatusOK)
	}
	return l.encoder.Encode(v)
}

// end sends the last lines and the errors, or returns the first error when nothing was
// sent.
func (l *lines) end() error {
	if l.begun {
		if l.last != nil && len(l.errors) > 0 {
			_ = l.encoder.Encode(l.last(l.errors[0])) // a client that is gone does not want to know
		}
		l.buffer.close()
		l.reportErrors()
		return nil
	}
	if len(l.errors) > 0 {
		return l.errors[0]
	}
	if l.done {
		l.w.WriteHeader(http.StatusNoContent)
	}
	return nil
}

// reportErrors writes the errors to the trailer, and their causes to the log.
func (l *lines) reportErrors() {
	l.w.Header().Set(errorTrailer, "")
	for i, err := range l.errors {
		f := failure(err)
		if f.Cause != nil {
			logger.Errorw(f.Details, "method", l.r.Method, "path", l.r.URL.EscapedPath(), "error", f.Cause)
		}
		common.Note(l.r.Context(), "error", f.Details)
		if i == 0 {
			l.w.Header().Set(errorTrailer, f.Details)
		} else {
			l.w.Header().Add(errorTrailer, f.Details)
		}
	}
}

// lazyWriter buffers writes. It sends them when the buffer is full, or after lineDelay.
type lazyWriter struct {
	conn *http.ResponseController

	mu      sync.Mutex
	buffer  *bufio.Writer
	timer   *time.Timer
	waiting bool // the timer runs
	closed  bool
}

func newLazyWriter(w http.ResponseWriter) *lazyWriter {
	l := &lazyWriter{conn: http.NewResponseController(w), buffer: bufio.NewWriterSize(w, lineBuffer)}
	l.timer = time.AfterFunc(time.Hour, l.send)
	l.timer.Stop()
	return l
}

// Write implements io.Writer.
func (l *lazyWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.buffer.Write(p)
	if err == nil && !l.waiting {
		l.waiting = true
		l.timer.Reset(lineDelay)
	}
	return n, err
}

// send sends the buffer when the timer fires. The next Write returns its error.
func (l *lazyWriter) send() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.waiting = false
	if l.buffer.Flush() == nil {
		_ = l.conn.Flush() // not supported, or told by the next Write
	}
}

// close sends the rest and stops the timer.
func (l *lazyWriter) close() {
	l.timer.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	_ = l.buffer.Flush() // a client that is gone does not want to know
}

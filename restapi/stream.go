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
	// errorTrailer tells of errors after the first value. It is empty when
	// there were none.
	errorTrailer = "X-Stream-Error"
	// lineBuffer is how much of a stream is sent together, in bytes.
	lineBuffer = 32 << 10
	// lineDelay is how long a line may wait for others to be sent with.
	lineDelay = 100 * time.Millisecond
)

// streamed makes a route of a function that lists values. They are answered one
// in a line; a list without any is a 204. An error before the first value is
// answered like any other, later ones are told in a trailer.
func streamed[T any](list func(*http.Request) (iter.Seq2[T, error], error)) common.Stream {
	return func(w http.ResponseWriter, r *http.Request) error {
		values, err := list(r)
		if err != nil {
			return err
		}
		return writeLines(w, r, values, nil)
	}
}

// writeLines answers with a sequence, or returns the first error when there are no
// values. last, if it is not nil, makes a last line of the first error after the first
// value.
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
			logger.Debugf("%s %s: the client does not read on: %v", r.Method, r.URL.EscapedPath(), err)
			return nil
		}
	}
	out.done = true
	return nil
}

// lines is an answer of JSON values, one in a line.
type lines struct {
	w       http.ResponseWriter
	r       *http.Request
	buffer  *lazyWriter
	encoder *json.Encoder
	errors  []error
	last    func(error) any // makes a line of the first error, nil: there is none
	begun   bool
	done    bool // all values were written
}

func newLines(w http.ResponseWriter, r *http.Request) *lines {
	buffer := newLazyWriter(w)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	return &lines{w: w, r: r, buffer: buffer, encoder: encoder}
}

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
		l.tellErrors()
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

// tellErrors puts the errors into the trailer, and their causes into the log.
func (l *lines) tellErrors() {
	l.w.Header().Set(errorTrailer, "")
	for i, err := range l.errors {
		f := failure(err)
		if f.Cause != nil {
			logger.Errorf("%s %s: %s: %v", l.r.Method, l.r.URL.EscapedPath(), f.Details, f.Cause)
		}
		common.Note(l.r.Context(), "error", f.Details)
		if i == 0 {
			l.w.Header().Set(errorTrailer, f.Details)
		} else {
			l.w.Header().Add(errorTrailer, f.Details)
		}
	}
}

// lazyWriter collects what is written and sends it when there is enough, or
// after a while.
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

// send is what the timer does. An error is told by the next Write.
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

// close sends the rest. After it nothing is sent any more.
func (l *lazyWriter) close() {
	l.timer.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	_ = l.buffer.Flush() // a client that is gone does not want to know
}

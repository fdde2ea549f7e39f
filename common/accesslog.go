package common

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/ipfs/go-log/v2"
)

// accessLog writes one line per request: the common log format, which is also
// that of v1.1.6, and the time that the request took. Of a write there is also
// a line in the audit log.
type accessLog struct {
	logger *log.ZapEventLogger

	mu     sync.Mutex
	file   io.Writer // nil for the logger
	failed bool
}

func newAccessLog(logger *log.ZapEventLogger) *accessLog {
	return &accessLog{logger: logger}
}

// writeTo makes lines go to a file, or, with nil, to the logger.
func (a *accessLog) writeTo(file io.Writer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.file, a.failed = file, false
}

func (a *accessLog) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec, returned := recordOf(r), false
		defer func() {
			status, size := rec.status, strconv.FormatInt(rec.bytes, 10)
			switch {
			case rec.begun():
			case returned: // net/http sends this for a handler that wrote nothing
				status = http.StatusOK
			default: // a panic, which becomes a 500 further out
				status, size = http.StatusInternalServerError, "-"
			}
			a.write(rec.line(r, status, size))
			rec.audit(r, status)
			rec.handler.metrics.answered(rec, r.Method, status)
		}()
		next.ServeHTTP(w, r)
		returned = true
	})
}

// line describes a request and its answer. Of the headers it has nothing.
func (rec *record) line(r *http.Request, status int, size string) string {
	user := "-"
	if rec.user != "" {
		user = url.PathEscape(rec.user) // one word
	}
	path := r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	return fmt.Sprintf("%s - %s [%s] %q %d %s %s", rec.remote, user,
		rec.start.Format("02/Jan/2006:15:04:05 -0700"),
		r.Method+" "+path+" "+r.Proto, status, size,
		time.Since(rec.start).Round(time.Microsecond))
}

func (a *accessLog) write(line string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file == nil {
		a.logger.Info(line)
		return
	}
	_, err := io.WriteString(a.file, line+"\n")
	if err != nil && !a.failed {
		a.logger.Errorf("http_log_file: requests are not logged until it can be written again: %v", err)
	}
	a.failed = err != nil // say it once, until it works again
}

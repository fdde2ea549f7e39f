package common

import (
	"io"
	"net/http"
	"time"

	"github.com/felixge/httpsnoop"
)

// record is what the layers of a handler tell each other about one request.
type record struct {
	handler *Handler
	start   time.Time
	route   string   // the template of the path, empty until it is known
	remote  string   // who sent it: an IP address, "unix" or a peer ID
	user    string   // empty until somebody is authenticated
	tokenID string   // of that user's token, if it has one
	notes   []string // names and values for the audit line, in turn
	status  int      // 0 until the answer has begun
	bytes   int64    // of the answer's body
	lease   Lease    // of memory
}

type recordKey struct{}

// recordOf returns the record of a request that came through a Handler.
func recordOf(r *http.Request) *record {
	rec, _ := r.Context().Value(recordKey{}).(*record)
	return rec
}

// begun tells whether the status of the answer is on its way.
func (rec *record) begun() bool { return rec.status != 0 }

// watch returns a writer that notes status and size. It has the same optional
// interfaces as the given one.
func (rec *record) watch(w http.ResponseWriter) http.ResponseWriter {
	begin := func(status int) {
		if rec.status == 0 && (status < 100 || status > 199 || status == http.StatusSwitchingProtocols) {
			rec.status = status
		}
	}
	return httpsnoop.Wrap(w, httpsnoop.Hooks{
		WriteHeader: func(next httpsnoop.WriteHeaderFunc) httpsnoop.WriteHeaderFunc {
			return func(status int) {
				begin(status)
				next(status)
			}
		},
		Write: func(next httpsnoop.WriteFunc) httpsnoop.WriteFunc {
			return func(p []byte) (int, error) {
				begin(http.StatusOK)
				n, err := next(p)
				rec.bytes += int64(n)
				return n, err
			}
		},
		ReadFrom: func(next httpsnoop.ReadFromFunc) httpsnoop.ReadFromFunc {
			return func(src io.Reader) (int64, error) {
				begin(http.StatusOK)
				n, err := next(src)
				rec.bytes += n
				return n, err
			}
		},
		Flush: func(next httpsnoop.FlushFunc) httpsnoop.FlushFunc {
			return func() {
				begin(http.StatusOK)
				next()
			}
		},
	})
}

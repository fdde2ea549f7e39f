package common

import (
	"net/http"
	"runtime/debug"
)

// recovered turns a panic into a 500 and logs it with its stack. When the
// answer has already begun the connection is cut, so that the client does not
// take a part for the whole.
func (h *Handler) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			if value == http.ErrAbortHandler { // net/http's way to cut a connection
				panic(value)
			}
			h.logger.Errorf("panic in %s %s: %v\n%s", r.Method, r.URL.EscapedPath(), value, debug.Stack())
			if recordOf(r).begun() {
				panic(http.ErrAbortHandler)
			}
			h.fail(w, r, unexpected(nil))
		}()
		next.ServeHTTP(w, r)
	})
}

package common

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/ipfs/go-log/v2"
)

// auditor is the logger of the audit lines of all APIs. Its level must be info
// for them to be written.
var auditor = log.Logger("audit")

// Note adds something to the audit line of a request: what it is about, where
// the path and the query do not tell. Values must not be secret. It is for the
// goroutine that handles the request, and does nothing for one that came
// another way than through a Handler.
func Note(ctx context.Context, name, value string) {
	if rec, ok := ctx.Value(recordKey{}).(*record); ok {
		rec.notes = append(rec.notes, name, value)
	}
}

// isWrite tells whether a request is meant to change something.
func isWrite(r *http.Request) bool {
	return !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace}, r.Method)
}

// audit writes one line about a request that was meant to change something:
// who sent it, by which token, what it is, from where it came, and how it
// ended. Of the headers and the body it has nothing.
func (rec *record) audit(r *http.Request, status int) {
	if !isWrite(r) {
		return
	}
	fields := []any{
		"api", rec.handler.api.Name,
		"user", rec.user,
		"jti", rec.tokenID,
		"from", rec.remote,
		"method", r.Method,
		"path", r.URL.EscapedPath(),
		"query", r.URL.RawQuery,
		"status", status,
		"took", time.Since(rec.start).Round(time.Microsecond).String(),
	}
	for _, note := range rec.notes {
		fields = append(fields, note)
	}
	auditor.Infow("write", fields...)
}

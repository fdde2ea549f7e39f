package common

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

// retryAfter is what a 503 suggests, in seconds.
const retryAfter = auth.RetryAfter

// WriteJSON writes a whole response, as that of a Handle function. It writes nothing
// when it returns an error.
func WriteJSON(w http.ResponseWriter, r *http.Request, status int, value any) error {
	body, err := encode(value)
	if err == nil {
		send(w, r, status, body)
	}
	return err
}

// respond writes the value of a successful request. Nil means no body.
func (h *Handler) respond(w http.ResponseWriter, r *http.Request, status int, value any) {
	if value == nil {
		w.WriteHeader(status)
		return
	}
	if err := WriteJSON(w, r, status, value); err != nil {
		h.fail(w, r, unexpected(err))
	}
}

// respondInParts writes an answer that is not in memory as a whole.
func (h *Handler) respondInParts(w http.ResponseWriter, r *http.Request, status int, write Streamed) {
	w.Header().Set("Content-Type", "application/json")
	w, done := h.limits.parts(w, r)
	defer done()
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if err := write(r.Context(), w); err != nil {
		h.logger.Debugf("%s %s: the answer is not complete: %v", r.Method, r.URL.EscapedPath(), err)
		panic(http.ErrAbortHandler) // or the client would take it for the whole
	}
}

// fail is the one writer of failures. What happened inside goes to the log, and
// nowhere else.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, f *Failure) {
	h.logFailure(r, f)
	for name, values := range f.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	body, err := encode(h.api.Body(f))
	if err != nil { // a mistake in the program; the status still says the most
		h.logger.Errorf("encoding the body of a failure: %v", err)
	}
	send(w, r, f.Status, body)
}

func (h *Handler) logFailure(r *http.Request, f *Failure) {
	if f.Cause == nil {
		return
	}
	write := h.logger.Debugf
	if f.Status >= http.StatusInternalServerError && !errors.Is(r.Context().Err(), context.Canceled) {
		write = h.logger.Errorf // a client that went away is nobody's mistake
	}
	write("%s %s: %d %s: %v", r.Method, r.URL.EscapedPath(), f.Status, f.Reason, f.Cause)
}

// failureOf finds the response to an error: its own, the API's, or, for what
// the API does not know, a request that ran out of time or a mistake of ours.
func (h *Handler) failureOf(err error) *Failure {
	var f *Failure
	var refusal *auth.Refusal
	switch {
	case errors.As(err, &f):
	case errors.As(err, &refusal):
		f = failureOfRefusal(refusal)
	default:
		f = h.api.Failure(err)
	}
	unknown := f == nil || f.Status == http.StatusInternalServerError
	switch {
	case unknown && errors.Is(err, context.DeadlineExceeded):
		return &Failure{
			Status:  http.StatusServiceUnavailable,
			Reason:  ReasonUnavailable,
			Details: "the answer took too long",
			Header:  http.Header{"Retry-After": {retryAfter}},
			Cause:   err,
		}
	case f == nil || f.Status < 400 || f.Status > 599:
		return unexpected(err)
	}
	return f
}

// unexpected is the failure for what nobody foresaw.
func unexpected(cause error) *Failure {
	return &Failure{
		Status:  http.StatusInternalServerError,
		Reason:  ReasonInternal,
		Details: "unexpected error",
		Cause:   cause,
	}
}

// encode returns a value as JSON. HTML is not escaped, because nothing here is
// embedded in HTML.
func encode(value any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

// send writes a whole answer with a JSON body.
func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that is gone does not want to know
	}
}

package common

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ipfs/go-log/v2"
)

// Handler is the HTTP handler of one API: recovery, access log, CORS and
// authentication around the component's routes.
type Handler struct {
	api     API
	creds   *Credentials
	chain   http.Handler
	open    map[string]bool // method, space and path of the open routes
	header  http.Header     // that every answer begins with
	limits  limits
	slots   slots // for requests that come without a listener
	guard   *guard
	behind  proxies
	logger  *log.ZapEventLogger
	access  *accessLog
	metrics *metrics
}

// NewHandler returns the handler of an API. It does no I/O. To the API's own
// routes it adds POST /token, GET /health (204) and GET /ready, unless the API
// has them.
// The error names the route that is wrong.
func NewHandler(cfg Config, creds *Credentials, api API) (*Handler, error) {
	if creds == nil {
		return nil, errors.New("common: a handler needs credentials, open ones come from NewCredentials(nil)")
	}
	behind, err := parseProxies(cfg.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("common: %s: trusted_proxies: %w", api.Name, err)
	}
	h := &Handler{
		api:     api,
		creds:   creds,
		header:  baseHeader(&cfg),
		limits:  limitsOf(&cfg),
		slots:   newSlots(cfg.MaxConcurrentRequests),
		guard:   newGuard(cfg.MaxAuthFailures, creds.now),
		behind:  behind,
		logger:  log.Logger(api.Name),
		access:  newAccessLog(log.Logger(api.Name + "log")),
		metrics: newMetrics(api.Name),
	}
	router, err := h.newRouter()
	if err != nil {
		return nil, err
	}
	h.chain = h.recovered(h.access.logged(h.corsHandler(&cfg, h.limited(h.authenticate(router)))))
	return h, nil
}

// baseHeader returns the headers that every answer has: the configured ones,
// and two that keep answers out of caches and from being taken for something
// else than they say.
func baseHeader(cfg *Config) http.Header {
	header := http.Header{
		"Cache-Control":          {"no-store"},
		"X-Content-Type-Options": {"nosniff"},
	}
	for name, values := range cfg.Headers {
		header[http.CanonicalHeaderKey(name)] = values
	}
	return header
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, values := range h.header {
		w.Header()[name] = append([]string(nil), values...)
	}
	rec := &record{handler: h, start: time.Now(), remote: h.behind.remoteOf(r)}
	r = r.WithContext(context.WithValue(r.Context(), recordKey{}, rec))
	h.chain.ServeHTTP(rec.watch(w), r)
}

package common

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ipfs/go-log/v2"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

// Handler is the HTTP handler of one API: recovery, access log, CORS and
// authentication around the component's routes.
type Handler struct {
	api      API
	auth     *auth.Authenticator
	throttle *auth.Throttle
	chain    http.Handler
	open     map[string]Route // by method, space and path: the open routes
	header   http.Header      // that every answer begins with
	limits   limits
	budget   *Budget
	slots    slots // for requests that come without a listener
	behind   proxies
	logger   *log.ZapEventLogger
	access   *accessLog
	metrics  *metrics
}

// HandlerOption changes a Handler.
type HandlerOption func(*Handler)

// WithThrottle makes the handler count failed attempts, and hash passwords,
// together with the other handlers that have the same throttle. Nil is no option.
func WithThrottle(t *auth.Throttle) HandlerOption {
	return func(h *Handler) {
		if t != nil {
			h.throttle = t
		}
	}
}

// NewHandler returns the handler of an API. It does no I/O. To the API's own
// routes it adds POST /token, GET /health (204) and GET /ready, unless the API
// has them.
// The error names the route that is wrong.
func NewHandler(cfg Config, creds *auth.Credentials, api API, opts ...HandlerOption) (*Handler, error) {
	if creds == nil {
		return nil, errors.New("common: a handler needs credentials, open ones come from auth.NewCredentials(nil)")
	}
	behind, err := parseProxies(cfg.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("common: %s: trusted_proxies: %w", api.Name, err)
	}
	h := &Handler{
		api:      api,
		header:   baseHeader(&cfg),
		limits:   limitsOf(&cfg),
		throttle: auth.NewThrottle(),
		slots:    newSlots(cfg.MaxConcurrentRequests),
		behind:   behind,
		logger:   log.Logger(api.Name),
		access:   newAccessLog(log.Logger(api.Name + "log")),
		metrics:  newMetrics(api.Name),
	}
	for _, opt := range opts {
		opt(h)
	}
	h.auth = auth.New(creds, auth.Options{
		Realm:             api.Name,
		Throttle:          h.throttle,
		FailuresPerMinute: cfg.MaxAuthFailures,
		MaxWait:           h.limits.part(auth.MaxHashWait),
		Yield:             yieldConnection,
	})
	if h.budget = api.Budget; h.budget == nil {
		h.budget = NewBudget(cfg.MaxInflightBytes)
	}
	router, err := h.newRouter()
	if err != nil {
		return nil, err
	}
	h.chain = h.recovered(h.access.logged(h.guardHost(&cfg, h.corsHandler(&cfg, h.authenticate(h.limited(router))))))
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
	rec.lease.budget = h.budget
	defer rec.lease.Release()
	h.chain.ServeHTTP(rec.watch(w), r)
}

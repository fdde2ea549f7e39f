package common

import (
	"net/http"
	"slices"

	"github.com/rs/cors"
)

// guardOrigin refuses requests that a page of another origin makes a browser
// send, when the CORS settings do not allow them. CORS alone only hides the
// answer, and a browser sends some writes without asking first: with the
// credentials that its user has typed in, or to an open API on loopback. There,
// only origins that are named may write: "any" is meant for pages that have to
// know a token.
func (h *Handler) guardOrigin(cfg *Config, rules *cors.Cors, next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	methods := corsMethods(cfg)
	named := namedOrigins(cfg)
	allowed := func(r *http.Request) bool {
		if h.isLocal(r) && (named == nil || !named.OriginAllowed(r)) {
			return false
		}
		return slices.Contains(methods, r.Method) && rules.OriginAllowed(r)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := protection.Check(r)
		if err != nil && !allowed(r) {
			f := forbidden("pages of another origin may not do this: see cors_allowed_origins and cors_allowed_methods")
			f.Cause = err
			h.fail(w, r, f)
			return
		}
		next.ServeHTTP(w, r)
	})
}

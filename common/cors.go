package common

import (
	"net/http"
	"slices"
	"strings"

	"github.com/rs/cors"
)

// corsHandler answers preflights, adds the headers that browsers ask for to
// every other answer, and refuses what pages may not do.
func (h *Handler) corsHandler(cfg *Config, next http.Handler) http.Handler {
	rules := cors.New(corsOptions(cfg))
	return rules.Handler(h.guardOrigin(cfg, rules, next))
}

func corsOptions(cfg *Config) cors.Options {
	return cors.Options{
		AllowedOrigins: cfg.CORSAllowedOrigins,
		AllowedMethods: corsMethods(cfg),
		AllowedHeaders: corsHeaders(cfg),
		ExposedHeaders: cfg.CORSExposedHeaders,
		// Browsers refuse credentials mode together with any origin, and
		// naming each origin that asks instead would let every page use
		// what the browser has stored.
		AllowCredentials: cfg.CORSAllowCredentials && !anyOrigin(cfg),
		MaxAge:           int(cfg.CORSMaxAge.Std().Seconds()),
	}
}

func anyOrigin(cfg *Config) bool {
	return len(cfg.CORSAllowedOrigins) == 0 || slices.Contains(cfg.CORSAllowedOrigins, "*")
}

// corsMethods adds HEAD to GET, which it is a part of.
func corsMethods(cfg *Config) []string {
	if len(cfg.CORSAllowedMethods) == 0 {
		return []string{http.MethodGet, http.MethodHead, http.MethodPost}
	}
	methods := slices.Clone(cfg.CORSAllowedMethods)
	if slices.Contains(methods, http.MethodGet) && !slices.Contains(methods, http.MethodHead) {
		methods = append(methods, http.MethodHead)
	}
	return methods
}

func corsHeaders(cfg *Config) []string {
	if len(cfg.CORSAllowedHeaders) == 0 {
		return []string{"Accept", "Authorization", "Content-Type", "X-Requested-With"}
	}
	return cfg.CORSAllowedHeaders
}

// CORSHint returns what pages in a browser will not be able to do here, in one
// sentence for the log, or nothing when they can send requests that change
// something. v1.1.6 writes such a configuration by itself.
func (c *Config) CORSHint() string {
	var lacks []string
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		if !slices.Contains(corsMethods(c), method) {
			lacks = append(lacks, method)
		}
	}
	var hints []string
	if len(lacks) > 0 {
		hints = append(hints, strings.Join(lacks, " and ")+" not in cors_allowed_methods")
	}
	allows := func(header string) bool { return header == "*" || strings.EqualFold(header, "Authorization") }
	if !slices.ContainsFunc(corsHeaders(c), allows) {
		hints = append(hints, "Authorization not in cors_allowed_headers")
	}
	if len(hints) == 0 {
		return ""
	}
	return "web pages in a browser cannot make changes here: " + strings.Join(hints, ", ")
}

package common

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/config"
)

const page = "https://page.example"

func preflight(path, method, headers string) request {
	r := request{method: "OPTIONS", path: path, header: []string{
		"Origin", page, "Access-Control-Request-Method", method,
	}}
	if headers != "" {
		r.header = append(r.header, "Access-Control-Request-Headers", headers)
	}
	return r
}

func TestPreflight(t *testing.T) {
	older := func(cfg *Config) { // as v1.1.6 writes it by itself
		cfg.CORSAllowedMethods = []string{"GET"}
		cfg.CORSAllowedHeaders = []string{}
		cfg.CORSAllowCredentials = true
	}
	listed := func(cfg *Config) {
		cfg.CORSAllowedOrigins = []string{page}
		cfg.CORSAllowCredentials = true
	}
	tests := map[string]struct {
		change      func(*Config)
		request     request
		origin      string // Access-Control-Allow-Origin
		credentials string
	}{
		"GET":                {nil, preflight("/items", "GET", "authorization"), "*", ""},
		"HEAD":               {nil, preflight("/items", "HEAD", "authorization"), "*", ""},
		"POST":               {nil, preflight("/items", "POST", "authorization,content-type"), "*", ""},
		"DELETE":             {nil, preflight("/items/1", "DELETE", "authorization"), "*", ""},
		"PUT":                {nil, preflight("/items", "PUT", ""), "", ""},
		"another header":     {nil, preflight("/items", "GET", "x-other"), "", ""},
		"unknown route":      {nil, preflight("/nothing", "GET", ""), "*", ""},
		"older GET":          {older, preflight("/items", "GET", "authorization"), "*", ""},
		"older POST":         {older, preflight("/items", "POST", ""), "", ""},
		"listed origin":      {listed, preflight("/items", "POST", "authorization"), page, "true"},
		"not listed":         {func(cfg *Config) { cfg.CORSAllowedOrigins = []string{"https://other.example"} }, preflight("/items", "GET", ""), "", ""},
		"pattern":            {func(cfg *Config) { cfg.CORSAllowedOrigins = []string{"https://*.example"} }, preflight("/items", "GET", ""), page, ""},
		"listed and any":     {func(cfg *Config) { listed(cfg); cfg.CORSAllowedOrigins = []string{page, "*"} }, preflight("/items", "GET", ""), "*", ""},
		"empty means any":    {func(cfg *Config) { listed(cfg); cfg.CORSAllowedOrigins = []string{} }, preflight("/items", "GET", ""), "*", ""},
		"empty means simple": {func(cfg *Config) { cfg.CORSAllowedMethods = nil }, preflight("/items", "POST", ""), "*", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := newTestHandler(t, func(cfg *Config) {
				cfg.BasicAuthCredentials = testUsers
				if test.change != nil {
					test.change(cfg)
				}
			})
			w := test.request.send(h)
			require.Equal(t, 204, w.Code, "a preflight needs no credentials")
			require.Equal(t, test.origin, w.Header().Get("Access-Control-Allow-Origin"))
			require.Equal(t, test.credentials, w.Header().Get("Access-Control-Allow-Credentials"))
			if test.origin != "" {
				require.Equal(t, "600", w.Header().Get("Access-Control-Max-Age"))
			}
		})
	}
}

func TestCORSOnEveryAnswer(t *testing.T) {
	h := newTestHandler(t, func(cfg *Config) {
		cfg.BasicAuthCredentials = testUsers
		cfg.WriteTimeout = config.Duration(time.Millisecond)
	})
	auth := []string{"Origin", page, "Authorization", basic("alice", "secret")}
	for status, requests := range map[int][]request{
		200: {{method: "GET", path: "/items", header: auth}, {method: "HEAD", path: "/items", header: auth}, {method: "POST", path: "/token", header: auth}},
		202: {{method: "DELETE", path: "/items/1", header: auth}},
		204: {{method: "GET", path: "/health", header: []string{"Origin", page}}},
		400: {{method: "POST", path: "/token", body: "x", header: auth}},
		401: {{method: "GET", path: "/items", header: []string{"Origin", page}}, {method: "GET", path: "/items", header: []string{"Origin", page, "Authorization", "Bearer x"}}},
		404: {{method: "GET", path: "/nothing", header: auth}},
		405: {{method: "POST", path: "/items/1", header: auth}},
		409: {{method: "GET", path: "/known", header: auth}, {method: "GET", path: "/streamfails", header: auth}},
		500: {{method: "GET", path: "/panic", header: auth}, {method: "GET", path: "/unknown", header: auth}, {method: "GET", path: "/cannotencode", header: auth}},
		503: {{method: "GET", path: "/slow", header: auth}},
	} {
		for _, req := range requests {
			w := req.send(h)
			require.Equal(t, status, w.Code, "%v", req)
			require.Equal(t, []string{"*"}, w.Header().Values("Access-Control-Allow-Origin"), "%v", req)
			require.Equal(t, "Retry-After", w.Header().Get("Access-Control-Expose-Headers"), "%v", req)
			require.Contains(t, w.Header().Values("Vary"), "Origin", "%v", req)
		}
	}
}

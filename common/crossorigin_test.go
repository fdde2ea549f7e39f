package common

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPagesOfOtherOrigins(t *testing.T) {
	getOnly := func(cfg *Config) { cfg.CORSAllowedMethods = []string{"GET"} }
	listed := func(cfg *Config) { cfg.CORSAllowedOrigins = []string{page} }
	site := func(kind string) []string { return []string{"Sec-Fetch-Site", kind, "Origin", page} }
	for name, test := range map[string]struct {
		change func(*Config)
		method string
		header []string
		status int
	}{
		"a program":              {getOnly, "POST", nil, 202},
		"a read":                 {getOnly, "GET", site("cross-site"), 200},
		"a page":                 {getOnly, "POST", site("cross-site"), 403},
		"a page of a sister":     {getOnly, "POST", site("same-site"), 403},
		"an older browser":       {getOnly, "POST", []string{"Origin", page}, 403},
		"a file":                 {getOnly, "POST", []string{"Origin", "null"}, 403},
		"a page of its own":      {getOnly, "POST", site("same-origin"), 202},
		"its own, older":         {getOnly, "POST", []string{"Origin", "http://example.com"}, 202},
		"the user":               {getOnly, "POST", []string{"Sec-Fetch-Site", "none"}, 202},
		"any origin may":         {nil, "POST", site("cross-site"), 202},
		"this origin may":        {listed, "POST", site("cross-site"), 202},
		"another origin may not": {listed, "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://other.example"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestHandler(t, test.change) // httptest sends to example.com
			w := request{method: test.method, path: "/items", header: test.header}.send(h)
			require.Equal(t, test.status, w.Code, w.Body.String())
			if w.Code == 403 {
				require.Equal(t, ReasonForbidden, why(t, w))
			}
		})
	}
}

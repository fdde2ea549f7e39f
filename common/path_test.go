package common

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCanonicalPath(t *testing.T) {
	for escaped, canonical := range map[string]string{
		"":                    "",
		"/":                   "/",
		"//":                  "/",
		"/pins":               "/pins",
		"//pins":              "/pins",
		"/pins/":              "/pins",
		"/pins//":             "/pins",
		"//pins///a//":        "/pins/a",
		"/%70%49%6e%73":       "/pIns",
		"/pins/%2e%2D%5F%7e":  "/pins/.-_~",
		"/pins/a%2Fb%2f":      "/pins/a%2Fb%2f",
		"/pins/%2570":         "/pins/%2570",
		"/pins/%20%3a":        "/pins/%20%3a",
		"/ipfs/a/b%20c//d":    "/ipfs/a/b%20c/d",
		"/pins/%":             "/pins/%",
		"/pins/%7":            "/pins/%7",
		"/pins/%zz":           "/pins/%zz",
		"/pins/\u00fc%C3%BC/": "/pins/\u00fc%C3%BC",
	} {
		require.Equal(t, canonical, canonicalPath(escaped), escaped)
	}
}

func FuzzCanonicalPath(f *testing.F) {
	for _, seed := range []string{"//pins", "/pins/%2F%41/", "/%7e%zz//", "%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, escaped string) {
		once := canonicalPath(escaped)
		require.NotContains(t, once, "//")
		plain, err := url.PathUnescape(escaped)
		if err != nil {
			return // no URL has such a path
		}
		require.Equal(t, once, canonicalPath(once), "a canonical path is its own canonical path")
		again, err := url.PathUnescape(once)
		require.NoError(t, err)
		slash := func(r rune) bool { return r == '/' }
		require.Equal(t, strings.FieldsFunc(plain, slash), strings.FieldsFunc(again, slash), "only slashes go")
	})
}

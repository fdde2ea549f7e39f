package common

import (
	"net/http"
	"net/url"
	"strings"
)

// oneSpelling routes every spelling of a path like its canonical one, without a
// redirect: many clients turn a redirected POST into a GET.
func oneSpelling(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		escaped := r.URL.EscapedPath()
		canonical := canonicalPath(escaped)
		if canonical == escaped {
			next.ServeHTTP(w, r)
			return
		}
		plain, err := url.PathUnescape(canonical)
		if err != nil { // EscapedPath never returns such a path
			plain = canonical
		}
		address := *r.URL
		address.Path, address.RawPath = plain, canonical
		copied := *r
		copied.URL = &address
		next.ServeHTTP(w, &copied)
	})
}

// canonicalPath returns the canonical spelling of an escaped path: characters
// that need no escape are not escaped (RFC 3986, section 6.2.2.2), repeated
// slashes are one, and there is no slash at the end. An endpoint that was given
// with a final slash makes clients send "//pins".
func canonicalPath(escaped string) string {
	if !strings.Contains(escaped, "//") && !strings.Contains(escaped, "%") && !strings.HasSuffix(escaped, "/") {
		return escaped
	}
	out := make([]byte, 0, len(escaped)+1)
	for i := 0; i < len(escaped); i++ {
		b := escaped[i]
		if c, ok := escapedUnreserved(escaped[i:]); ok {
			b, i = c, i+2
		} else if b == '/' && len(out) > 0 && out[len(out)-1] == '/' {
			continue
		}
		out = append(out, b)
	}
	if len(out) > 1 && out[len(out)-1] == '/' {
		out = out[:len(out)-1]
	}
	return string(out)
}

// escapedUnreserved decodes the escape that s begins with, if it is one of a
// character that needs none.
func escapedUnreserved(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, ok := fromHex(s[1])
	low, ok2 := fromHex(s[2])
	c := high<<4 | low
	return c, ok && ok2 && isUnreserved(c)
}

func fromHex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// isUnreserved reports whether c is an unreserved character of RFC 3986, section 2.3.
func isUnreserved(c byte) bool {
	letter := c | 0x20
	return 'a' <= letter && letter <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

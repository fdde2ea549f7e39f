package common

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRemote(t *testing.T) {
	for _, test := range []struct {
		name       string
		connection string
		forwarded  []string
		want       string
	}{
		{"no proxy", "203.0.113.1:1", nil, "203.0.113.1"},
		{"not trusted", "203.0.113.1:1", []string{"198.51.100.1"}, "203.0.113.1"},
		{"a proxy", "127.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a proxy of IPv6", "[::1]:1", []string{"2001:db8::1"}, "2001:db8::1"},
		{"mapped", "[::ffff:127.0.0.1]:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"a proxy for itself", "127.0.0.1:1", nil, "127.0.0.1"},
		{"made up", "127.0.0.1:1", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		{"two proxies", "127.0.0.1:1", []string{"1.1.1.1, 198.51.100.1, 10.1.2.3"}, "198.51.100.1"},
		{"two fields", "127.0.0.1:1", []string{"198.51.100.1", "10.1.2.3"}, "198.51.100.1"},
		{"only proxies", "127.0.0.1:1", []string{"10.1.2.4,10.1.2.3"}, "10.1.2.4"},
		{"a port", "127.0.0.1:1", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		{"a port of IPv6", "127.0.0.1:1", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{"brackets", "127.0.0.1:1", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"no address", "127.0.0.1:1", []string{"198.51.100.1, unknown"}, "127.0.0.1"},
		{"empty", "127.0.0.1:1", []string{""}, "127.0.0.1"},
		{"a zone", "127.0.0.1:1", []string{"fe80::1%eth0"}, "fe80::1"},
		{"unix", "@", []string{"198.51.100.1"}, "198.51.100.1"},
		{"unix, nobody", "", nil, "unix"},
		{"a peer", "12D3KooWPeer", []string{"198.51.100.1"}, "12D3KooWPeer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := parseProxies([]string{"127.0.0.1", "::1", "10.0.0.0/8", "unix"})
			require.NoError(t, err)
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = test.connection
			for _, f := range test.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			require.Equal(t, test.want, p.remoteOf(r))
		})
	}
}

// Whatever is forwarded, the result is an address, and never one that stands
// before an address of somebody who is not trusted.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"", "1.2.3.4", "a, 1.2.3.4:5", "[::1]:2,::2", "10.0.0.1,,10.0.0.2", "1.1.1.1, 10.0.0.1"} {
		f.Add(seed)
	}
	p, err := parseProxies([]string{"10.0.0.0/8"})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "10.0.0.1:1"
		r.Header["X-Forwarded-For"] = []string{text}
		_, err := netip.ParseAddr(p.remoteOf(r))
		require.NoError(t, err)
		r.Header["X-Forwarded-For"] = []string{text + ",192.0.2.1"}
		require.Equal(t, "192.0.2.1", p.remoteOf(r))
		r.RemoteAddr = "192.0.2.2:1"
		require.Equal(t, "192.0.2.2", p.remoteOf(r))
	})
}

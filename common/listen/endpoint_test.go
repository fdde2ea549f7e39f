package listen

import (
	"net"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

func TestEndpoints(t *testing.T) {
	tcp := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 1234} }
	tests := []struct {
		addr             string
		network, address string
		bound            net.Addr
		url, tlsURL      string
	}{
		{"/ip4/127.0.0.1/tcp/0", "tcp4", "127.0.0.1:0", tcp("127.0.0.1"), "http://127.0.0.1:1234", "https://127.0.0.1:1234"},
		{"/ip4/0.0.0.0/tcp/0", "tcp4", "0.0.0.0:0", tcp("0.0.0.0"), "http://127.0.0.1:1234", "https://127.0.0.1:1234"},
		{"/ip6/::1/tcp/0", "tcp6", "[::1]:0", tcp("::1"), "http://[::1]:1234", "https://[::1]:1234"},
		{"/ip6/::/tcp/0", "tcp6", "[::]:0", tcp("::"), "http://[::1]:1234", "https://[::1]:1234"},
		{"/dns/a.example/tcp/0", "tcp", "a.example:0", tcp("192.0.2.1"), "http://a.example:1234", "https://a.example:1234"},
		{"/dns6/a.example/tcp/0", "tcp6", "a.example:0", tcp("::1"), "http://a.example:1234", "https://a.example:1234"},
		{"/unix/run/a b.sock", "unix", "/run/a b.sock", &net.UnixAddr{Name: "/run/a b.sock", Net: "unix"}, "unix:///run/a%20b.sock", "unix:///run/a%20b.sock"},
	}
	for _, test := range tests {
		t.Run(test.addr, func(t *testing.T) {
			e, err := ParseEndpoint(ma.StringCast(test.addr))
			require.NoError(t, err)
			require.Equal(t, Endpoint{test.network, test.address}, e)
			require.Equal(t, test.url, e.url(test.bound, false))
			require.Equal(t, test.tlsURL, e.url(test.bound, true))
		})
	}
}

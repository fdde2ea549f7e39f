package listen

import (
	"fmt"
	"net"
	"net/url"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Endpoint is a multiaddress as the two arguments of net.Listen.
type Endpoint struct {
	Network string // tcp, tcp4, tcp6 or unix
	Address string // host:port, or a path
}

// ParseEndpoint reads an address that HTTP can be served on.
func ParseEndpoint(addr ma.Multiaddr) (Endpoint, error) {
	network, address, err := manet.DialArgs(addr)
	if err != nil {
		return Endpoint{}, fmt.Errorf("%s cannot be listened on: give /ip4, /ip6 or /dns with /tcp, or /unix", addr)
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
		if len(addr) != tcpLength(addr) {
			return Endpoint{}, fmt.Errorf("%s has more than an address and a TCP port", addr)
		}
		return Endpoint{network, address}, nil
	case "unix":
		return Endpoint{network, address}, nil
	}
	return Endpoint{}, fmt.Errorf("%s cannot be listened on: give /ip4, /ip6 or /dns with /tcp, or /unix", addr)
}

// tcpLength is the number of components up to the TCP port.
func tcpLength(addr ma.Multiaddr) int {
	for i, component := range addr {
		if component.Protocol().Code == ma.P_TCP {
			return i + 1
		}
	}
	return 0
}

// IsUnix reports whether the endpoint is a socket in the file system.
func (e Endpoint) IsUnix() bool { return e.Network == "unix" }

// url returns what a client on this machine uses for the endpoint once it is
// bound to an address: the configured host name, because a certificate may be
// made for it, and a loopback address in the place of "any address".
func (e Endpoint) url(bound net.Addr, tls bool) string {
	if e.IsUnix() {
		return (&url.URL{Scheme: "unix", Path: bound.String()}).String()
	}
	host, _, _ := net.SplitHostPort(e.Address)
	_, port, _ := net.SplitHostPort(bound.String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if e.Network == "tcp6" {
			host = "::1"
		}
	}
	scheme := "http"
	if tls {
		scheme = "https"
	}
	return (&url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port)}).String()
}

package common

import (
	"fmt"
	"net"
	"net/url"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// endpoint is a multiaddress in the words of package net.
type endpoint struct {
	network string // tcp, tcp4, tcp6 or unix
	address string // host:port, or a path
}

// parseEndpoint reads an address that HTTP can be served on.
func parseEndpoint(addr ma.Multiaddr) (endpoint, error) {
	network, address, err := manet.DialArgs(addr)
	if err != nil {
		return endpoint{}, fmt.Errorf("%s cannot be listened on: give /ip4, /ip6 or /dns with /tcp, or /unix", addr)
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
		if len(addr) != tcpLength(addr) {
			return endpoint{}, fmt.Errorf("%s has more than an address and a TCP port", addr)
		}
		return endpoint{network, address}, nil
	case "unix":
		return endpoint{network, address}, nil
	}
	return endpoint{}, fmt.Errorf("%s cannot be listened on: give /ip4, /ip6 or /dns with /tcp, or /unix", addr)
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

// isUnix tells whether the endpoint is a socket in the file system.
func (e endpoint) isUnix() bool { return e.network == "unix" }

// url returns what a client on this machine uses for the endpoint once it is
// bound to an address: the configured host name, because a certificate may be
// made for it, and a loopback address in the place of "any address".
func (e endpoint) url(bound net.Addr, tls bool) string {
	if e.isUnix() {
		return (&url.URL{Scheme: "unix", Path: bound.String()}).String()
	}
	host, _, _ := net.SplitHostPort(e.address)
	_, port, _ := net.SplitHostPort(bound.String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if e.network == "tcp6" {
			host = "::1"
		}
	}
	scheme := "http"
	if tls {
		scheme = "https"
	}
	return (&url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port)}).String()
}

package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Binding is a listener and the addresses that lead to it.
type Binding struct {
	net.Listener
	TLS       bool
	Streams   bool // of libp2p
	Addresses []ma.Multiaddr
	URL       string // for clients on this machine
}

// Bind listens on one address of http_listen_multiaddress. TLS is for TCP only: a
// unix socket does not leave the machine. The error contains the remedy.
func Bind(addr ma.Multiaddr, tls bool) (Binding, error) {
	e, err := ParseEndpoint(addr)
	if err != nil {
		return Binding{}, err
	}
	bind := listenTCP
	if e.IsUnix() {
		bind, tls = listenUnix, false
	}
	listener, err := bind(e)
	if err != nil {
		return Binding{}, fmt.Errorf("cannot listen on %s: %w", addr, ExplainBind(err))
	}
	b := Binding{Listener: listener, TLS: tls, URL: e.url(listener.Addr(), tls)}
	if bound, err := manet.FromNetAddr(listener.Addr()); err == nil {
		b.Addresses = []ma.Multiaddr{bound}
	}
	return b, nil
}

func listenTCP(e Endpoint) (net.Listener, error) {
	return net.Listen(e.Network, e.Address)
}

// listenUnix makes a socket that only this user may connect to. It replaces a socket
// that a killed process left behind, but no other file. The listener removes the
// socket when it is closed.
func listenUnix(e Endpoint) (net.Listener, error) {
	if err := removeStale(e.Address); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", e.Address)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(e.Address, 0o600); err != nil {
		_ = listener.Close()
		return nil, err
	}
	return listener, nil
}

// removeStale removes a socket without a listener. Only a refused connection proves
// that there is none: after a timeout or any other error the socket stays. A symbolic
// link counts as another file.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("there is something that is not a socket: choose another path")
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = conn.Close()
		return syscall.EADDRINUSE
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

// ExplainBind adds the remedy to the usual errors of listening on an address. err is
// one of package net. The returned error does not name the address, because callers
// name the multiaddress of the configuration.
func ExplainBind(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return errors.New("the address is in use: stop the other program, or configure another address")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return errors.New("this machine does not have that address: configure one that it has")
	case errors.Is(err, syscall.ENOENT):
		return errors.New("the folder of the socket does not exist: make it, for the user that runs this program")
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return errors.New("permission denied: use a port above 1023, or a folder of this user")
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err // without the address, which is named already
	}
	return err
}

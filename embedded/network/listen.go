package network

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// checkFree fails when another program has one of the addresses. libp2p would
// share the port with it, and half of the connections would go to the other. Every
// other error is left to libp2p, which reports it when it binds the address itself.
func checkFree(addrs []ma.Multiaddr) error {
	var errs []error
	for _, a := range addrs {
		if err := tryListen(transportAddr(a)); errors.Is(err, syscall.EADDRINUSE) {
			errs = append(errs, fmt.Errorf("another program listens on %s", a))
		}
	}
	return errors.Join(errs...)
}

// transportAddr is the IP address and the port; nil if there are none.
func transportAddr(a ma.Multiaddr) ma.Multiaddr {
	if len(a) < 2 {
		return nil
	}
	return a[:2]
}

// tryListen binds an address without sharing its port and releases it at once. A
// program that binds it before libp2p does is not noticed.
func tryListen(a ma.Multiaddr) error {
	if a == nil {
		return nil
	}
	var taken io.Closer
	var err error
	if _, notUDP := a.ValueForProtocol(ma.P_UDP); notUDP == nil {
		taken, err = manet.ListenPacket(a)
	} else {
		taken, err = manet.Listen(a)
	}
	if err != nil {
		return err
	}
	return taken.Close()
}

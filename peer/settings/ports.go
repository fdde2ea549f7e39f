package settings

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/ipfs-cluster/pinsvc/config"
)

// randomPorts gives every listener a port that is free now, in place of the
// usual one.
func (s *Settings) randomPorts() error {
	p, r := s.Pinsvcapi.Value(), s.Restapi.Value()
	all := []*[]multiaddr.Multiaddr{
		&s.Cluster.ListenAddr,
		(*[]multiaddr.Multiaddr)(&p.HTTPListenMultiaddress),
		(*[]multiaddr.Multiaddr)(&r.HTTPListenMultiaddress),
	}
	if s.Ipfsproxy != nil {
		all = append(all, &s.Ipfsproxy.ListenAddr)
	}
	if s.Embedded != nil {
		e := s.Embedded.Value()
		all = append(all, (*[]multiaddr.Multiaddr)(&e.ListenMultiaddresses))
		defer func() { s.Embedded.Set(e) }()
	}
	for _, addrs := range all {
		changed, err := withRandomPorts(*addrs)
		if err != nil {
			return err
		}
		*addrs = changed
	}
	s.Pinsvcapi.Set(p)
	s.Restapi.Set(r)
	return nil
}

func withRandomPorts(addrs config.Multiaddrs) (config.Multiaddrs, error) {
	out := make(config.Multiaddrs, 0, len(addrs))
	for _, a := range addrs {
		changed, err := withRandomPort(a)
		if err != nil {
			return nil, fmt.Errorf("choosing a port for %s: %w", a, err)
		}
		out = append(out, changed)
	}
	return out, nil
}

// withRandomPort replaces the TCP or UDP port of an address.
func withRandomPort(a multiaddr.Multiaddr) (multiaddr.Multiaddr, error) {
	var out multiaddr.Multiaddr
	host := ""
	for _, c := range a {
		protocol := c.Protocol()
		if protocol.Code != multiaddr.P_TCP && protocol.Code != multiaddr.P_UDP {
			host = c.Value()
			out = append(out, c)
			continue
		}
		port, err := freePort(protocol.Name, host)
		if err != nil {
			return nil, err
		}
		with, err := multiaddr.NewComponent(protocol.Name, strconv.Itoa(port))
		if err != nil {
			return nil, err
		}
		out = append(out, *with)
	}
	return out, nil
}

// Ports are chosen below those that systems give to outgoing connections (from
// 32768 on Linux, from 49152 elsewhere): one of these may be taken when the peer is
// started.
const (
	lowestPort, highestPort = 10000, 32767
	portTries               = 100
)

// freePort returns a port that is free on the host now. The host may have no IPv6:
// then it is one that is free without it.
func freePort(network, host string) (port int, err error) {
	for range portTries {
		port = lowestPort + rand.IntN(highestPort-lowestPort+1)
		if err = tryListen(network, host, port); err == nil {
			return port, nil
		}
		if host == "::" && tryListen(network, "", port) == nil {
			return port, nil
		}
	}
	return 0, err
}

// tryListen returns why a port cannot be listened on now.
func tryListen(network, host string, port int) error {
	address := net.JoinHostPort(host, strconv.Itoa(port))
	if network == "udp" {
		c, err := net.ListenPacket(network, address)
		if err != nil {
			return err
		}
		return c.Close()
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	return l.Close()
}

// tryPort returns why an address cannot be listened on now.
func tryPort(a multiaddr.Multiaddr) error {
	network, address, err := manet.DialArgs(a)
	if err != nil {
		return err
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	return l.Close()
}

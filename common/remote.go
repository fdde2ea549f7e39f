package common

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/libp2p/go-libp2p/core/network"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/ipfs-cluster/pinsvc/common/listen"
)

// proxies are those whose X-Forwarded-For is believed.
type proxies struct {
	unix     bool
	networks []netip.Prefix
}

// parseProxies reads trusted_proxies.
func parseProxies(texts []string) (p proxies, err error) {
	for _, text := range texts {
		if text == listen.Unix {
			p.unix = true
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			addr, addrErr := netip.ParseAddr(text)
			if addrErr != nil || addr.Zone() != "" {
				return proxies{}, fmt.Errorf(`%q is not an IP address, a network such as "10.0.0.0/8", or "unix"`, text)
			}
			network = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		}
		p.networks = append(p.networks, network.Masked())
	}
	return p, nil
}

func (p proxies) trusts(remote string) bool {
	if remote == listen.Unix {
		return p.unix
	}
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		return false
	}
	for _, network := range p.networks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// remoteOf returns who sent a request: an IP address, "unix", or, over libp2p,
// a peer ID. Behind trusted proxies it is the last address that none of them
// has: whatever stands before that, anybody may have written.
func (p proxies) remoteOf(r *http.Request) string {
	remote := connectionOf(r)
	if !p.trusts(remote) {
		return remote
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		if remote = hop; !p.trusts(hop) {
			break
		}
	}
	return remote
}

// connectionOf returns the other end of the connection.
func connectionOf(r *http.Request) string {
	if r.RemoteAddr == "" || r.RemoteAddr == "@" {
		return listen.Unix
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr // a peer ID, or a unix socket with a name
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().String()
	}
	return host
}

// parseHop reads an address that a proxy wrote, some with a port.
func parseHop(text string) (string, error) {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return addr.Unmap().WithZone("").String(), nil
	}
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone("").String(), nil
	}
	return "", errors.New("not an address")
}

// clientKey returns the key that failed attempts are counted by. A peer ID costs
// nothing, so over libp2p it is that of the connection's address, when it is known.
func clientKey(ctx context.Context, remote string) string {
	if ip, ok := ctx.Value(streamKey{}).(string); ok && ip != "" {
		remote = ip
	}
	return listen.ClientKey(remote)
}

func clientKeyOf(r *http.Request) string { return clientKey(r.Context(), recordOf(r).remote) }

type streamKey struct{}

// withStream notes the IP address that a libp2p stream comes from.
func withStream(ctx context.Context, conn net.Conn) context.Context {
	stream, ok := conn.(interface{ Conn() network.Conn })
	if !ok {
		return ctx
	}
	ip, err := manet.ToIP(stream.Conn().RemoteMultiaddr())
	if err != nil {
		return ctx
	}
	addr, _ := netip.AddrFromSlice(ip)
	return context.WithValue(ctx, streamKey{}, addr.Unmap().String())
}

package listen

import "net/netip"

// Unix stands for the clients of a unix socket.
const Unix = "unix"

// ClientKey returns the key by which the connections and failed attempts of a
// remote address are counted: the address, and of IPv6 its /64 network, which a
// single user usually has. Anything else is returned as it is.
func ClientKey(remote string) string {
	addr, err := netip.ParseAddr(remote)
	if err != nil || addr.Is4() {
		return remote
	}
	network, _ := addr.Prefix(64) // fails only for more bits than there are
	return network.String()
}

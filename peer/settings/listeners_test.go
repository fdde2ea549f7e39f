package settings

import (
	"net"
	"testing"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/stretchr/testify/require"
)

func TestListenerNeedsOnlyOneAddress(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busy.Close()
	taken, err := manet.FromNetAddr(busy.Addr())
	require.NoError(t, err)
	one := listener{key: "k", any: true, addrs: []multiaddr.Multiaddr{taken, multiaddr.StringCast("/ip4/127.0.0.1/tcp/0")}}
	require.NoError(t, one.try(), "libp2p needs only one")
	one.any = false
	require.ErrorContains(t, one.try(), "k: cannot listen on "+taken.String())
}

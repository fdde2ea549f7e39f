package network

import (
	"encoding/json"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"
)

func TestOriginPeers(t *testing.T) {
	const p1 = "/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"
	const p2 = "/p2p/QmQCU2EcMqAqQPR2i9bChDtGNJchTbq5TbXJJ16u19uLTa"
	addr := func(s string) api.Multiaddr {
		a, err := api.NewMultiaddr(s)
		require.NoError(t, err)
		return a
	}
	got := OriginPeers([]api.Multiaddr{
		addr("/ip4/127.0.0.1/tcp/1" + p1),
		addr("/ip4/10.0.0.1/tcp/1"), // nobody
		{},
		addr("/dns4/example.org/tcp/443/wss" + p2),
		addr("/ip6/::1/udp/1/quic-v1" + p1),
		addr(p2),
	})
	require.Len(t, got, 2)
	require.Len(t, got[0].Addrs, 2)
	require.Len(t, got[1].Addrs, 1)
	require.Empty(t, OriginPeers(nil))
}

// Origins come from clients of the pinning service.
func FuzzOrigins(f *testing.F) {
	f.Add(`["/ip4/127.0.0.1/tcp/1/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"]`)
	f.Add(`["/dnsaddr/example.org/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN/p2p-circuit"]`)
	f.Add(`["/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN", "/ip4/127.0.0.1", ""]`)
	f.Fuzz(func(t *testing.T, text string) {
		var list []string
		if json.Unmarshal([]byte(text), &list) != nil {
			return
		}
		var from []api.Multiaddr
		for _, s := range list {
			a, _ := api.NewMultiaddr(s)
			from = append(from, a)
		}
		peers := OriginPeers(from)
		require.LessOrEqual(t, len(peers), maxOrigins)
		for _, p := range peers {
			require.NoError(t, p.ID.Validate())
		}
	})
}

package pinsvcapi

import (
	"context"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

// largeID answers with very many addresses, which take a while to decode.
type largeID struct{ addresses []api.Multiaddr }

func (s *largeID) ID(_ context.Context, _ struct{}, out *api.ID) error {
	out.Addresses = s.addresses
	return nil
}

// TestAnswerOfAGivenUpCall: a call that ends while its answer is being decoded
// leaves nothing behind that is still written to, which the race detector sees.
func TestAnswerOfAGivenUpCall(t *testing.T) {
	t.Parallel()
	var hosts [2]host.Host
	for i := range hosts {
		h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
		require.NoError(t, err)
		t.Cleanup(func() { h.Close() })
		hosts[i] = h
	}
	server := rpc.NewServer(hosts[1], fakeProtocol)
	service := &largeID{make([]api.Multiaddr, 20_000)}
	for i := range service.addresses {
		service.addresses[i] = api.NewMultiaddrWithValue(multiaddr.StringCast("/ip4/203.0.113.7/tcp/4001"))
	}
	require.NoError(t, server.RegisterName("Cluster", service))
	require.NoError(t, hosts[0].Connect(t.Context(), peer.AddrInfo{ID: hosts[1].ID(), Addrs: hosts[1].Addrs()}))
	var c calls
	c.client.Store(rpc.NewClient(hosts[0], fakeProtocol))

	start := time.Now()
	_, err := c.id(t.Context(), hosts[1].ID())
	whole := time.Since(start)
	if err != nil {
		whole = peerTimeout // it was too slow for that itself
	}
	for i := range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), whole*time.Duration(i+1)/30)
		id, err := c.id(ctx, hosts[1].ID())
		require.True(t, err != nil || len(id.Addresses) == len(service.addresses))
		require.True(t, err == nil || len(id.Addresses) == 0)
		cancel()
	}
}

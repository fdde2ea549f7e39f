package restapi

import (
	"context"
	"errors"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/clusterrpc"
)

// abruptCluster is a peer whose lists fail as the library's do while it is being
// stopped: some values, an error, and a channel that is left open.
type abruptCluster struct {
	values int
	err    error
}

// Pins implements the library's RPC method of that name.
func (a *abruptCluster) Pins(_ context.Context, in <-chan struct{}, out chan<- api.Pin) error {
	for range in {
	}
	for range a.values {
		out <- api.Pin{}
	}
	if a.err == nil {
		close(out)
	}
	return a.err
}

func TestStreamEndsWithTheCall(t *testing.T) {
	for _, a := range []*abruptCluster{{}, {values: 3}, {values: 2000}, {err: errors.New("stopping")}, {values: 3, err: errors.New("stopping")}} {
		server := rpc.NewServer(nil, "/pinsvc-test/rpc")
		require.NoError(t, server.RegisterName("Cluster", a))
		c := &rpcCluster{client: &clusterrpc.Client{}}
		c.client.Store(rpc.NewClientWithServer(nil, "/pinsvc-test/rpc", server))
		seen, failed := 0, error(nil)
		for _, err := range stream[api.Pin, struct{}](t.Context(), c, "Pins") {
			if err != nil {
				failed = err
				break
			}
			seen++
		}
		if a.err != nil {
			require.ErrorContains(t, failed, a.err.Error())
			continue
		}
		require.NoError(t, failed)
		require.Equal(t, a.values, seen)
	}
}

package ipfsstub_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/ipfsconn/ipfshttp"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fixture"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/ipfsstub"
)

// What the stand-in and the connector take for one list of the IPFS pinset:
// the part of every measured list that no cluster peer can do anything about,
// unless it does not ask.
func BenchmarkPinLs(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			stub, err := ipfsstub.Start()
			require.NoError(b, err)
			defer stub.Close()
			stub.Pin(fixture.Set{N: n}.CIDs()...)
			cfg := &ipfshttp.Config{}
			require.NoError(b, cfg.Default())
			cfg.NodeAddr, err = multiaddr.NewMultiaddr(stub.Multiaddr())
			require.NoError(b, err)
			conn, err := ipfshttp.NewConnector(cfg)
			require.NoError(b, err)
			defer conn.Shutdown(context.Background())
			for b.Loop() {
				out := make(chan api.IPFSPinInfo, n)
				require.NoError(b, conn.PinLs(b.Context(), []string{"recursive"}, out))
				require.Len(b, out, n)
			}
		})
	}
}

package ipfsconn

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// TestVerified: what was pinned is known for a moment without the node, unless
// it was unpinned, or the node is away.
func TestVerified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakes.NewIPFS()
		c := connected(t, f)
		pin := api.PinWithOpts(fakes.CID(1), api.PinOptions{})
		known := func(want bool, why string) {
			t.Helper()
			status, ok := c.Verified(fakes.CID(1))
			require.Equal(t, want, ok, why)
			require.Equal(t, want, status == api.IPFSPinStatusRecursive, why)
		}
		known(false, "nobody has pinned it")
		require.NoError(t, c.Pin(t.Context(), pin))
		known(true, "it was pinned")
		time.Sleep(cacheTime - time.Millisecond)
		known(true, "a moment ago")
		before := f.Count("ls")
		_, err := c.PinLsCid(t.Context(), pin)
		require.NoError(t, err)
		require.Equal(t, 1, f.Count("ls")-before, "who asks the node gets its answer")
		time.Sleep(time.Millisecond)
		known(false, "that was long ago")

		require.NoError(t, c.Pin(t.Context(), pin))
		require.NoError(t, c.Unpin(t.Context(), fakes.CID(1)))
		known(false, "it was unpinned")

		require.NoError(t, c.Pin(t.Context(), pin))
		f.Set(func(f *fakes.IPFS) { f.Mode = "away" })
		_, err = c.PinLsCid(t.Context(), pin)
		require.Error(t, err)
		require.Eventually(t, c.health.away, time.Second, time.Millisecond)
		known(false, "the node is away")
	})
}

// TestVerifiedBesideUnpin: an answer from before an unpin is not remembered
// after it.
func TestVerifiedBesideUnpin(t *testing.T) {
	var v pinCache
	begun := v.begin(fakes.CID(1))
	v.invalidate(fakes.CID(1))
	v.store(fakes.CID(1), api.IPFSPinStatusRecursive, begun)
	_, ok := v.get(fakes.CID(1))
	require.False(t, ok)
	v.store(fakes.CID(1), api.IPFSPinStatusRecursive, v.begin(fakes.CID(1)))
	_, ok = v.get(fakes.CID(1))
	require.True(t, ok)
	v.begin(fakes.CID(1))
	_, ok = v.get(fakes.CID(1))
	require.False(t, ok, "it is being pinned again")
}

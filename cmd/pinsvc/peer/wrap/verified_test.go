package wrap

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"
)

// TestVerified: what was pinned a moment ago is known without the node.
func TestVerified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIPFS()
		c := connected(t, f)
		pin := api.PinWithOpts(testCID(1), api.PinOptions{})
		says := func(want api.IPFSPinStatus, questions int) {
			t.Helper()
			before := f.count("ls")
			got, err := c.PinLsCid(t.Context(), pin)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, questions, f.count("ls")-before)
		}
		says(api.IPFSPinStatusUnpinned, 1)
		require.NoError(t, c.Pin(t.Context(), pin))
		says(api.IPFSPinStatusRecursive, 0)

		direct := api.PinWithOpts(testCID(1), api.PinOptions{Mode: api.PinModeDirect})
		before := f.count("ls")
		status, err := c.PinLsCid(t.Context(), direct)
		require.NoError(t, err)
		require.False(t, status.IsPinned(direct.MaxDepth))
		require.Equal(t, 1, f.count("ls")-before, "another depth is another question")

		f.set(func(f *fakeIPFS) { delete(f.pins, testCID(1)) }) // behind our back
		time.Sleep(verifiedTime)
		says(api.IPFSPinStatusUnpinned, 1)

		require.NoError(t, c.Pin(t.Context(), pin))
		require.NoError(t, c.Unpin(t.Context(), testCID(1)))
		says(api.IPFSPinStatusUnpinned, 1)

		f.set(func(f *fakeIPFS) { f.mode = "away" })
		_, err = c.PinLsCid(t.Context(), pin)
		require.Error(t, err)
	})
}

// TestVerifiedBesideUnpin: an answer from before an unpin is not remembered
// after it.
func TestVerifiedBesideUnpin(t *testing.T) {
	var v verified
	begun := v.begin(testCID(1))
	v.forget(testCID(1))
	v.saw(testCID(1), api.IPFSPinStatusRecursive, begun)
	_, ok := v.get(testCID(1))
	require.False(t, ok)
	v.saw(testCID(1), api.IPFSPinStatusRecursive, v.begin(testCID(1)))
	_, ok = v.get(testCID(1))
	require.True(t, ok)
	v.begin(testCID(1))
	_, ok = v.get(testCID(1))
	require.False(t, ok, "it is being pinned again")
}

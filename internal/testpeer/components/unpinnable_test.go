package components

import (
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// Pins that no IPFS node can pin come from older peers and from imports. They fail
// with the reason, although the node may have a record of one, are not tried again
// by themselves, and can be removed.
func TestUnpinnable(t *testing.T) {
	everyKind(t, func(t *testing.T, r *rig) {
		pinOf := func(codec, code uint64, size int) api.Pin {
			digest, err := multihash.Encode(make([]byte, size), code)
			require.NoError(t, err)
			pin := fakes.Pin(1, "unpinnable")
			pin.Cid = api.NewCid(cid.NewCidV1(codec, digest))
			return pin
		}
		ipnsName := pinOf(cid.Libp2pKey, multihash.IDENTITY, 36)
		pins := map[string]api.Pin{
			"IPNS": ipnsName,
			"md5":  pinOf(cid.Raw, multihash.MD5, 16),
			"19":   pinOf(cid.Raw, multihash.SHA2_256, 19),
		}
		r.ipfs.Set(func(f *fakes.IPFS) { f.Pins[ipnsName.Cid] = api.IPFSPinStatusRecursive })
		for _, pin := range pins {
			r.pin(pin)
		}
		for why, pin := range pins {
			require.Eventually(t, func() bool {
				info := r.tracker.Status(t.Context(), pin.Cid)
				return info.Status == api.TrackerStatusPinError
			}, 20*time.Second, 5*time.Millisecond, why)
			require.Contains(t, r.tracker.Status(t.Context(), pin.Cid).Error, why)
		}
		attempts := func() (n int) {
			for _, pin := range pins {
				n += r.tracker.Status(t.Context(), pin.Cid).AttemptCount
			}
			return n
		}
		before := attempts()
		require.NoError(t, r.recover())
		require.Equal(t, before, attempts(), "not tried again")
		require.Zero(t, r.ipfs.Count("pin"), "the node is not asked")

		for why, pin := range pins {
			require.NoError(t, r.consensus.LogUnpin(t.Context(), pin), why)
			require.Eventually(t, func() bool {
				return r.tracker.Status(t.Context(), pin.Cid).Status == api.TrackerStatusUnpinned
			}, 20*time.Second, 5*time.Millisecond, why)
		}
	})
}

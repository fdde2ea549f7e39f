package view

import (
	"cmp"
	"maps"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// CIDs are in the order of their canonical text, whatever their version, codec
// and length.
func TestCompareKeysIsTheOrderOfTheText(t *testing.T) {
	draw := func(t *rapid.T) cid.Cid {
		digest := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 7, 8, 0x1f, 0x7f, 0x80, 0xd0, 0xff}), 0, 12).Draw(t, "digest")
		if rapid.Bool().Draw(t, "sha") {
			hash, err := multihash.Sum(digest, multihash.SHA2_256, -1)
			require.NoError(t, err)
			if rapid.Bool().Draw(t, "version 0") {
				return cid.NewCidV0(hash)
			}
			return cid.NewCidV1(rapid.SampledFrom([]uint64{cid.Raw, cid.DagProtobuf, 0x0129}).Draw(t, "codec"), hash)
		}
		hash, err := multihash.Encode(digest, multihash.IDENTITY)
		require.NoError(t, err)
		return cid.NewCidV1(cid.Raw, hash)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t), draw(t)
		want := cmp.Compare(a.String(), b.String())
		require.Equal(t, want, compareKeys(a.KeyString(), b.KeyString()), "%s %s", a, b)
		require.Equal(t, -want, compareKeys(b.KeyString(), a.KeyString()))
	})
}

func TestMetaFilterIsTheMaps(t *testing.T) {
	draw := rapid.MapOfN(rapid.SampledFrom([]string{"", "a", "ab", "b", strings.Repeat("k", 200), "pinsvc-created"}),
		rapid.SampledFrom([]string{"", "a", "b", strings.Repeat("v", 300)}), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		have, wanted := draw.Draw(t, "have"), draw.Draw(t, "wanted")
		delete(wanted, "pinsvc-created") // no filter has it
		visible := maps.Clone(have)
		delete(visible, "pinsvc-created")
		want := true
		for k, v := range wanted {
			value, ok := visible[k]
			want = want && ok && value == v
		}
		require.Equal(t, want, hasMeta(string(encodeMeta(have)), string(encodeMeta(wanted))))
		require.Equal(t, string(encodeMeta(visible)), string(encodeMeta(have)), "reserved keys are left out")
	})
}

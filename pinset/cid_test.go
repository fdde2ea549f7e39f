package pinset

import (
	"testing"

	"github.com/ipfs/go-cid"
	mc "github.com/multiformats/go-multicodec"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"
)

// cidOf returns a CIDv1 with a digest of size zeros.
func cidOf(t *testing.T, codec mc.Code, code uint64, size int) cid.Cid {
	t.Helper()
	digest, err := multihash.Encode(make([]byte, size), code)
	require.NoError(t, err)
	return cid.NewCidV1(uint64(codec), digest)
}

func TestCheckCID(t *testing.T) {
	for name, tt := range map[string]struct {
		codec mc.Code
		hash  uint64
		size  int
		why   string // "" can be pinned
	}{
		"dag-pb":                    {mc.DagPb, multihash.SHA2_256, 32, ""},
		"raw, sha2-512":             {mc.Raw, multihash.SHA2_512, 64, ""},
		"sha1":                      {mc.Raw, multihash.SHA1, 20, ""},
		"git-raw":                   {mc.GitRaw, multihash.SHA1, 20, ""},
		"dag-jose":                  {mc.DagJose, multihash.SHA2_256, 32, ""},
		"json":                      {mc.Json, multihash.BLAKE3, 32, ""},
		"a long blake3":             {mc.Raw, multihash.BLAKE3, 128, ""},
		"shake-256":                 {mc.Raw, multihash.SHAKE_256, 64, ""},
		"cut to 20 bytes":           {mc.DagCbor, multihash.SHA2_256, 20, ""},
		"an empty identity":         {mc.Raw, multihash.IDENTITY, 0, ""},
		"an identity of 128 bytes":  {mc.DagCbor, multihash.IDENTITY, 128, ""},
		"an identity of 129 bytes":  {mc.Raw, multihash.IDENTITY, 129, "at most 128 bytes, not 129"},
		"cut to 19 bytes":           {mc.Raw, multihash.SHA2_256, 19, "sha2-256 digest has 19 bytes"},
		"no digest":                 {mc.Raw, multihash.SHA2_256, 0, "sha2-256 digest has 0 bytes"},
		"longer than its function":  {mc.Raw, multihash.SHA2_256, 33, "no sha2-256 digest has 33 bytes"},
		"longer than any":           {mc.Raw, multihash.BLAKE3, 129, "no more than 128"},
		"md5":                       {mc.Raw, multihash.MD5, 16, "md5"},
		"murmur3":                   {mc.Raw, multihash.MURMUR3X64_64, 8, "murmur3"},
		"keccak-224":                {mc.Raw, multihash.KECCAK_224, 28, "keccak-224"},
		"an unknown function":       {mc.Raw, 0x300123, 32, "0x300123"},
		"an IPNS name":              {mc.Libp2pKey, multihash.IDENTITY, 36, "IPNS"},
		"an IPNS name of RSA":       {mc.Libp2pKey, multihash.SHA2_256, 32, "IPNS"},
		"a codec without a decoder": {mc.EthBlock, multihash.SHA2_256, 32, "eth-block"},
		"an unknown codec":          {mc.Code(0x300123), multihash.SHA2_256, 32, "0x300123"},
	} {
		err := CheckCID(cidOf(t, tt.codec, tt.hash, tt.size))
		if tt.why == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, tt.why, name)
		}
	}
	digest, err := multihash.Sum([]byte("x"), multihash.SHA2_256, -1)
	require.NoError(t, err)
	require.NoError(t, CheckCID(cid.NewCidV0(digest)))
}

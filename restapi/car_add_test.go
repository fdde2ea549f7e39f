package restapi

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/ipfs/go-cid"
	cbor "github.com/ipfs/go-ipld-cbor"
	mh "github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"
)

// carWith makes a CAR with one block of any codec.
func carWith(t *testing.T, codec, hash uint64, data string) (cid.Cid, string) {
	t.Helper()
	sum, err := mh.Sum([]byte(data), hash, -1)
	require.NoError(t, err)
	c := cid.NewCidV1(codec, sum)
	header, err := cbor.DumpObject(map[string]any{"roots": []cid.Cid{c}, "version": 1})
	require.NoError(t, err)
	var out bytes.Buffer
	for _, part := range [][]byte{header, append(c.Bytes(), data...)} {
		out.Write(binary.AppendUvarint(nil, uint64(len(part))))
		out.Write(part)
	}
	return c, out.String()
}

// Every codec that IPFS nodes pin may be in a CAR; a block that they cannot read
// is refused when it is sent, not when it is pinned.
func TestAddCARCodecs(t *testing.T) {
	for name, tt := range map[string]struct {
		codec, hash uint64
		data        string
		code        int
	}{
		"raw":                  {cid.Raw, mh.SHA2_256, "x", 200},
		"dag-pb":               {cid.DagProtobuf, mh.SHA2_256, "\x0a\x01x", 200},
		"dag-cbor":             {cid.DagCBOR, mh.BLAKE3, "\xa0", 200},
		"dag-json":             {cid.DagJSON, mh.SHA2_256, `{"a":1}`, 200},
		"json":                 {0x0200, mh.SHA2_256, `{"a":1}`, 200},
		"cbor":                 {0x51, mh.SHA2_256, "\xa0", 200},
		"git-raw":              {cid.GitRaw, mh.SHA1, "blob 1\x00x", 200},
		"dag-jose":             {0x85, mh.SHA2_256, "\xa2gpayloadX$\x01\x55\x12\x20" + string(make([]byte, 32)) + "jsignatures\x81\xa1isignatureA\x01", 200},
		"no git object":        {cid.GitRaw, mh.SHA1, "x", 400},
		"no dag-jose":          {0x85, mh.SHA2_256, "\xa0", 400},
		"CBOR without its end": {cid.DagCBOR, mh.SHA2_256, "\x9f", 400},
		"CBOR without lengths": {cid.DagCBOR, mh.SHA2_256, "\x9f\xff", 400},
		"an unknown codec":     {0x90, mh.SHA2_256, "x", 400},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, url := startAdder(t)
			root, file := carWith(t, tt.codec, tt.hash, tt.data)
			body, contentType := form(t, file)
			code, lines, _ := postForm(t, url+"/add?format=car", contentType, body)
			require.Equal(t, tt.code, code, "%v", lines)
			if tt.code != 200 {
				require.Contains(t, lines[0]["message"], root.String())
				require.Empty(t, s.pins)
				return
			}
			require.Len(t, s.pins, 1)
			require.Equal(t, root, s.pins[0].Cid.Cid)
			require.Equal(t, root.String(), lines[0]["cid"])
		})
	}
}

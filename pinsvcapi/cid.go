package pinsvcapi

import (
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

// maxIdentity bounds the data inside an identity CID, in bytes; it is what
// IPFS implementations accept.
const maxIdentity = 128

// maxCIDText bounds the text of a CID, in bytes: the longest multihash in use,
// in the longest encoding, is far below.
const maxCIDText = 1024

// parseCID reads a CID in any of its encodings; the error names param. A CIDv0
// and the CIDv1 of the same content are two values.
func parseCID(param, text string) (cid.Cid, error) {
	if len(text) > maxCIDText {
		return cid.Undef, invalid(param, "%s is too long for a CID", quote(text))
	}
	c, err := cid.Decode(text)
	switch {
	case err != nil && strings.Contains(text, "/ip"):
		return cid.Undef, invalid(param, "%s is a path, not a CID", quote(text))
	case err != nil:
		return cid.Undef, invalid(param, "%s is not a CID", quote(text))
	}
	if p := c.Prefix(); p.MhType == multihash.IDENTITY && p.MhLength > maxIdentity {
		return cid.Undef, invalid(param, "an identity CID holds at most %d bytes, not %d", maxIdentity, p.MhLength)
	}
	return c, nil
}

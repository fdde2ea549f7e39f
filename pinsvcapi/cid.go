package pinsvcapi

import (
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// maxCIDText bounds the text of a CID, in bytes. The longest multihash in use is far
// shorter in any encoding.
const maxCIDText = 1024

// otherVersion returns the CIDv1 of a CIDv0, or the CIDv0 of a CIDv1 that has
// one: dag-pb with a sha2-256 of 32 bytes.
func otherVersion(c cid.Cid) (cid.Cid, bool) {
	p := c.Prefix()
	switch {
	case p.Version == 0:
		return cid.NewCidV1(cid.DagProtobuf, c.Hash()), true
	case p.Codec == cid.DagProtobuf && p.MhType == multihash.SHA2_256 && p.MhLength == 32:
		return cid.NewCidV0(c.Hash()), true
	default:
		return cid.Undef, false
	}
}

// parseCID parses a CID in any encoding. The error names param. A CIDv0 and the CIDv1
// of the same content are different CIDs.
func parseCID(param, text string) (cid.Cid, error) {
	if len(text) > maxCIDText {
		return cid.Undef, pinset.Invalid(param, "%s is too long for a CID", quote(text))
	}
	c, err := cid.Decode(text)
	switch {
	// Clients often send a path in place of a CID.
	case err != nil && strings.Contains(text, "/ip"):
		return cid.Undef, pinset.Invalid(param, "%s is a path, not a CID", quote(text))
	case err != nil:
		return cid.Undef, pinset.Invalid(param, "%s is not a CID", quote(text))
	}
	return c, nil
}

// checkPinnable refuses a CID that no IPFS node can ever pin; the error names
// param.
func checkPinnable(param string, c cid.Cid) error {
	if err := pinset.CheckCID(c); err != nil {
		return pinset.Invalid(param, "%s cannot be pinned: %v", c, err)
	}
	return nil
}

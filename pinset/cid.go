package pinset

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ipfs/boxo/verifcid"
	"github.com/ipfs/go-cid"
	mc "github.com/multiformats/go-multicodec"
	"github.com/multiformats/go-multihash"
	hashes "github.com/multiformats/go-multihash/core"
)

// codecs are those that an IPFS node can decode, to find the links of a block: the same
// as in Kubo 0.43.
var codecs = []mc.Code{mc.Raw, mc.DagPb, mc.DagCbor, mc.DagJson, mc.DagJose, mc.Cbor, mc.Json, mc.GitRaw}

// Codecs returns the codecs of the roots that can be pinned.
func Codecs() []mc.Code { return slices.Clone(codecs) }

// CheckCID returns the reason why no IPFS node can ever pin a CID recursively, as a
// text for the client that sent it, or nil. It reads no content.
//
// A CID can be pinned when its codec is one of Codecs and CheckHash accepts its hash.
func CheckCID(c cid.Cid) error {
	switch codec := mc.Code(c.Type()); {
	case codec == mc.Libp2pKey:
		return errors.New("it is the name of an IPNS record (libp2p-key), not content: pin the CID that the name points to")
	case !slices.Contains(codecs, codec):
		return fmt.Errorf("no IPFS node can read blocks of its codec, %s", codecName(codec))
	}
	return CheckHash(c)
}

// CheckHash returns the reason why IPFS nodes do not exchange blocks with the hash of a
// CID, or nil. By boxo's allowlist of hash functions, digests have 20 to 128 bytes, and
// an identity CID has at most 128 bytes of data. A digest cannot be longer than the
// output of its function.
func CheckHash(c cid.Cid) error {
	p := c.Prefix()
	name := hashName(p.MhType)
	list := verifcid.DefaultAllowlist
	least, most := list.MinDigestSize(p.MhType), list.MaxDigestSize(p.MhType)
	switch {
	case !list.IsAllowed(p.MhType):
		return fmt.Errorf("its hash function, %s, is none that IPFS nodes accept", name)
	case p.MhType == multihash.IDENTITY && p.MhLength > most:
		return fmt.Errorf("an identity CID holds at most %d bytes, not %d", most, p.MhLength)
	case p.MhType == multihash.IDENTITY:
		return nil
	case p.MhLength < least:
		return fmt.Errorf("its %s digest has %d bytes, and IPFS nodes accept no less than %d", name, p.MhLength, least)
	case p.MhLength > most:
		return fmt.Errorf("its %s digest has %d bytes, and IPFS nodes accept no more than %d", name, p.MhLength, most)
	}
	if _, err := hashes.GetVariableHasher(p.MhType, p.MhLength); err != nil {
		return fmt.Errorf("no %s digest has %d bytes: %w", name, p.MhLength, err)
	}
	return nil
}

func hashName(code uint64) string {
	if name, ok := multihash.Codes[code]; ok {
		return name
	}
	return fmt.Sprintf("0x%x", code)
}

func codecName(codec mc.Code) string {
	if slices.Contains(mc.KnownCodes(), codec) {
		return codec.String()
	}
	return fmt.Sprintf("0x%x", uint64(codec))
}

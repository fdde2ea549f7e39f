package storage

import (
	"fmt"

	_ "github.com/ceramicnetwork/go-dag-jose/dagjose" // registers dag-jose
	"github.com/ipfs/go-cid"
	_ "github.com/ipfs/go-ipld-git"                 // registers git-raw
	_ "github.com/ipld/go-ipld-prime/codec/cbor"    // registers cbor
	_ "github.com/ipld/go-ipld-prime/codec/dagcbor" // registers dag-cbor
	_ "github.com/ipld/go-ipld-prime/codec/dagjson" // registers dag-json
	_ "github.com/ipld/go-ipld-prime/codec/json"    // registers json
	mc "github.com/multiformats/go-multicodec"
	_ "github.com/multiformats/go-multihash/register/all" // blake2, blake3, sha3, shake, keccak
)

// The codecs and hash functions are those of Kubo 0.43: what a Kubo beside this
// node pins, this node pins. kubo_test.go compares them.

// RefusedError reports that the codec of a block does not accept its bytes, although
// they have the hash of the CID: another copy would be refused, too. The links of the
// block are not known for certain.
type RefusedError struct {
	block cid.Cid
	Why   error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("block %s cannot be read as %s, and so what it links to is not known: %s", e.block, mc.Code(e.block.Type()), e.Why)
}

func (e *RefusedError) Unwrap() error { return e.Why }

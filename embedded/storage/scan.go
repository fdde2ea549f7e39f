package storage

import (
	"github.com/ipfs/boxo/verifcid"
	"github.com/ipfs/go-cid"
	mc "github.com/multiformats/go-multicodec"
	mh "github.com/multiformats/go-multihash"
)

const (
	// minCIDText and maxCIDText bound the text of a CID in dag-json, in bytes.
	minCIDText = 30
	maxCIDText = 512
	// maxCIDBytes bounds the CID in a byte string that has several parts, with the
	// zero before it.
	maxCIDBytes = 256
)

// ScanCIDs returns the CIDs that may be in the bytes of a block whose codec
// refuses it, each once: whatever looks like a binary CID, at any offset; in CBOR
// also those in byte strings of indefinite length, whose parts are not next to each
// other; in dag-json those in the text. It finds every link, and possibly CIDs
// that are none. Identity CIDs are left out, since no block is stored for them and
// the bytes inside are scanned like the others.
func ScanCIDs(codec uint64, data []byte) []cid.Cid {
	var found []cid.Cid
	seen := make(map[cid.Cid]struct{})
	note := func(c cid.Cid) {
		if _, ok := seen[c]; ok || c.Prefix().MhType == mh.IDENTITY ||
			verifcid.ValidateCid(verifcid.DefaultAllowlist, c) != nil {
			return
		}
		seen[c] = struct{}{}
		found = append(found, c)
	}
	inner := -1 // where the multihash of a CIDv1 begins, which looks like a CIDv0
	for i := range data {
		switch data[i] {
		case 0x01, 0x12:
			if n, c, err := cid.CidFromBytes(data[i:]); err == nil && i != inner {
				note(c)
				inner = i + n - len(c.Hash())
			}
		case 0x5f:
			if c, err := cid.Cast(chunkedCID(data[i+1:])); err == nil {
				note(c)
			}
		}
	}
	if mc.Code(codec) == mc.DagJson {
		eachWord(data, func(word string) {
			if c, err := cid.Decode(word); err == nil {
				note(c)
			}
		})
	}
	return found
}

// chunkedCID joins the parts of a CBOR byte string of indefinite length, and
// returns what follows the zero that a link begins with; nil when it is no such
// string, or longer than a CID.
func chunkedCID(data []byte) []byte {
	var joined []byte
	for len(data) > 0 && len(joined) <= maxCIDBytes {
		head := data[0]
		data = data[1:]
		size := int(head & 0x1f)
		switch {
		case head == 0xff && len(joined) > 0 && joined[0] == 0:
			return joined[1:]
		case head>>5 != 2 || size > 27:
			return nil
		case size >= 24: // the length follows, in 1, 2, 4 or 8 bytes
			width := 1 << (size - 24)
			if len(data) < width {
				return nil
			}
			size = 0
			for _, b := range data[:width] {
				if size > maxCIDBytes {
					return nil
				}
				size = size<<8 | int(b)
			}
			data = data[width:]
		}
		if size > len(data) {
			return nil
		}
		joined = append(joined, data[:min(size, maxCIDBytes+1)]...)
		data = data[size:]
	}
	return nil
}

// eachWord yields the runs of letters and digits that are as long as a CID.
func eachWord(data []byte, yield func(string)) {
	start := 0
	for i := 0; i <= len(data); i++ {
		if i < len(data) && isAlphanumeric(data[i]) {
			continue
		}
		if n := i - start; n >= minCIDText && n <= maxCIDText {
			yield(string(data[start:i]))
		}
		start = i + 1
	}
}

func isAlphanumeric(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

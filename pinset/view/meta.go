package view

import (
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// maxMeta is the largest encoded meta that an item keeps, in bytes. A filter that needs
// larger meta reads the state: a request may have a megabyte of it, and a pinset of such pins
// would not fit into memory.
const maxMeta = 4096

// encodeMeta returns the sorted keys and values of meta, each after its length as a varint,
// without reserved keys. pinset.Wire.AppendMeta makes the same bytes.
func encodeMeta(meta map[string]string) []byte {
	if len(meta) == 0 {
		return nil
	}
	keys := make([]string, 0, 8)
	size := 0
	for k, v := range meta {
		if !pinset.IsReserved(k) {
			keys = append(keys, k)
			size += len(k) + len(v) + 4
		}
	}
	slices.Sort(keys)
	b := make([]byte, 0, size)
	for _, k := range keys {
		b = appendText(appendText(b, k), meta[k])
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// summary stands for meta that is too large to be kept. It is a hash, so that an item still
// differs from one with other meta.
func summary(encoded []byte) []byte {
	h := fnv.New128a()
	h.Write(encoded)
	return h.Sum(nil)
}

// cutText cuts the first length and text off encoded meta.
func cutText(encoded string) (text, rest string) {
	var n, shift uint
	for i := range len(encoded) {
		c := encoded[i]
		n |= uint(c&0x7f) << shift
		if c < 0x80 {
			encoded = encoded[i+1:]
			return encoded[:n], encoded[n:]
		}
		shift += 7
	}
	return "", ""
}

// hasMeta reports whether encoded meta has all of the wanted entries. Both are sorted by
// key, so one pass over each is enough, and nothing is decoded into a map.
func hasMeta(encoded, wanted string) bool {
	for wanted != "" {
		var k, v string
		k, wanted = cutText(wanted)
		v, wanted = cutText(wanted)
		for {
			if encoded == "" {
				return false
			}
			var have, value string
			have, encoded = cutText(encoded)
			value, encoded = cutText(encoded)
			if have == k {
				if value != v {
					return false
				}
				break
			}
			if have > k {
				return false
			}
		}
	}
	return true
}

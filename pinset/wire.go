package pinset

import (
	"bytes"
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of the stored form of a pin (ipfs-cluster, api/pb/types.proto).
const (
	pinType        = 2
	pinAllocations = 3
	pinOptions     = 6
	pinTimestamp   = 7

	pinTypeLast = 4 // the largest that there is

	optionsMin      = 1
	optionsMax      = 2
	optionsName     = 3
	optionsOldMeta  = 6 // before the keys were sorted
	optionsOrigins  = 9
	optionsMetadata = 10

	metadataKey   = 1
	metadataValue = 2
)

// Entries calls fn with the bytes of the CID and the stored form (the library's protobuf
// message Pin) of every entry of the local state, in any order, one at a time. Both are
// valid until fn returns. It ends with the first error of fn.
type Entries func(ctx context.Context, fn func(cid, pin []byte) error) error

// DecodeStored decodes an entry of the state with the library's decoder: everything, and
// also what its present version does not write. Wire is quicker for the rest.
func DecodeStored(key, stored []byte) (api.Pin, error) {
	var pin api.Pin
	c, err := cid.Cast(key)
	if err == nil {
		err = pin.ProtoUnmarshal(stored)
	}
	pin.Cid = api.NewCid(c)
	return pin, err
}

// Wire is a pin in the form in which ipfs-cluster v1.1.6 stores it, the protobuf message
// api.pb.Pin, as far as lists need it. Reading it so takes a fraction of the time of the
// library's decoder. The slices point into the bytes that were parsed; the Wire itself is
// reused by the next Parse.
type Wire struct {
	Type        uint64 // the enumeration of the message, not the bit of api.PinType
	Timestamp   uint64 // seconds since 1970, 0: not set
	Min, Max    int64  // replication factors
	Name        []byte
	Created     []byte // the value of CreatedKey
	Allocations [][]byte
	Meta        [][2][]byte // without reserved keys, in the order of the keys
	Size        int         // of name, metadata and origins, in bytes
}

// Parse reads the stored form of a pin. It returns false when that is not exactly
// what ipfs-cluster v1.1.6 writes, which says nothing about whether it is valid.
func (w *Wire) Parse(stored []byte) bool {
	*w = Wire{Allocations: w.Allocations[:0], Meta: w.Meta[:0]}
	options := 0
	ok := fields(stored, func(f field) bool {
		switch f.number {
		case pinType:
			w.Type = f.value
			return f.is(protowire.VarintType) && f.value <= pinTypeLast
		case pinAllocations:
			w.Allocations = append(w.Allocations, f.bytes)
			return f.is(protowire.BytesType)
		case pinTimestamp:
			w.Timestamp = f.value
			return f.is(protowire.VarintType)
		case pinOptions:
			options++
			return f.is(protowire.BytesType) && w.parseOptions(f.bytes)
		}
		return true
	})
	return ok && options <= 1
}

func (w *Wire) parseOptions(b []byte) bool {
	return fields(b, func(f field) bool {
		switch f.number {
		case optionsMin:
			w.Min = int64(int32(protowire.DecodeZigZag(f.value & 0xffffffff)))
			return f.is(protowire.VarintType)
		case optionsMax:
			w.Max = int64(int32(protowire.DecodeZigZag(f.value & 0xffffffff)))
			return f.is(protowire.VarintType)
		case optionsName:
			w.Name = f.bytes
			w.Size += len(f.bytes)
			return f.is(protowire.BytesType) && utf8.Valid(f.bytes)
		case optionsOrigins:
			w.Size += len(f.bytes)
			_, err := multiaddr.NewMultiaddrBytes(f.bytes)
			return f.is(protowire.BytesType) && err == nil
		case optionsOldMeta:
			return false // the slow way reads it
		case optionsMetadata:
			return f.is(protowire.BytesType) && w.parseMeta(f.bytes)
		}
		return true
	})
}

func (w *Wire) parseMeta(b []byte) bool {
	var key, value []byte
	ok := fields(b, func(f field) bool {
		switch f.number {
		case metadataKey:
			key = f.bytes
		case metadataValue:
			value = f.bytes
		default:
			return true
		}
		return f.is(protowire.BytesType) && utf8.Valid(f.bytes)
	})
	w.Size += len(key) + len(value)
	switch {
	case !ok:
		return false
	case string(key) == CreatedKey:
		w.Created = value
	case !bytes.HasPrefix(key, []byte(ReservedPrefix)):
		if n := len(w.Meta); n > 0 && bytes.Compare(w.Meta[n-1][0], key) >= 0 {
			return false
		}
		w.Meta = append(w.Meta, [2][]byte{key, value})
	}
	return true
}

// CreatedAt returns the pin's `created` in milliseconds since 1970. cid is the bytes of
// its CID.
func (w *Wire) CreatedAt(cid []byte) int64 {
	var timestamp time.Time
	if w.Timestamp > 0 {
		timestamp = time.Unix(int64(w.Timestamp), 0)
	}
	return DecodeCreated(string(w.Created), timestamp, cid).UnixMilli()
}

// AppendMeta appends keys and values in order, each after its length as a varint.
func (w *Wire) AppendMeta(b []byte) []byte {
	for _, kv := range w.Meta {
		for _, text := range kv {
			b = append(protowire.AppendVarint(b, uint64(len(text))), text...)
		}
	}
	return b
}

// field is a field of a protobuf message.
type field struct {
	number protowire.Number
	kind   protowire.Type
	value  uint64 // of a varint
	bytes  []byte // of bytes, a text or a message
}

func (f field) is(kind protowire.Type) bool { return f.kind == kind }

// fields calls fn for the fields of a message until it returns false. It returns
// whether the message was read to its end.
func fields(b []byte, fn func(field) bool) bool {
	for len(b) > 0 {
		var f field
		var n int
		f.number, f.kind, n = protowire.ConsumeTag(b)
		if n < 0 {
			return false
		}
		b = b[n:]
		switch f.kind {
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(f.number, f.kind, b)
		}
		if n < 0 || !fn(f) {
			return false
		}
		b = b[n:]
	}
	return true
}

// PinType returns the type as the library has it.
func (w *Wire) PinType() api.PinType { return 1 << w.Type }

// Remote reports whether other peers have to hold the pin and this one does not.
func (w *Wire) Remote(id peer.ID) bool {
	if w.Min == -1 && w.Max == -1 {
		return false
	}
	return !slices.ContainsFunc(w.Allocations, func(b []byte) bool { return string(b) == string(id) })
}

// AppendPlacement appends what tells pins apart that different peers have to hold.
func (w *Wire) AppendPlacement(b []byte) []byte {
	b = protowire.AppendVarint(b, w.Type)
	b = protowire.AppendVarint(b, protowire.EncodeZigZag(w.Min))
	b = protowire.AppendVarint(b, protowire.EncodeZigZag(w.Max))
	for _, id := range w.Allocations {
		b = append(protowire.AppendVarint(b, uint64(len(id))), id...)
	}
	return b
}

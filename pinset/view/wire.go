package view

import (
	"bytes"
	"time"
	"unicode/utf8"

	"github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ipfs-cluster/pinsvc/pinset"
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

// wirePin is what an item needs of the stored form of a pin. Its slices point into
// that, and are reused by the next parse.
type wirePin struct {
	kind        uint64 // the enumeration, not the bit of api.PinType
	timestamp   uint64 // seconds since 1970, 0: not set
	min, max    int64  // replication factors
	name        []byte
	created     []byte // the value of pinset.CreatedKey
	allocations [][]byte
	meta        [][2][]byte // without reserved keys, in the order of the keys
	size        int         // as sizeOf
}

// parse reads the stored form of a pin. It returns false when that is not exactly
// what ipfs-cluster v1.1.6 writes, which says nothing about whether it is valid.
func (p *wirePin) parse(stored []byte) bool {
	*p = wirePin{allocations: p.allocations[:0], meta: p.meta[:0]}
	options := 0
	ok := fields(stored, func(f field) bool {
		switch f.number {
		case pinType:
			p.kind = f.value
			return f.is(protowire.VarintType) && f.value <= pinTypeLast
		case pinAllocations:
			p.allocations = append(p.allocations, f.bytes)
			return f.is(protowire.BytesType)
		case pinTimestamp:
			p.timestamp = f.value
			return f.is(protowire.VarintType)
		case pinOptions:
			options++
			return f.is(protowire.BytesType) && p.parseOptions(f.bytes)
		}
		return true
	})
	return ok && options <= 1
}

func (p *wirePin) parseOptions(b []byte) bool {
	return fields(b, func(f field) bool {
		switch f.number {
		case optionsMin:
			p.min = int64(int32(protowire.DecodeZigZag(f.value & 0xffffffff)))
			return f.is(protowire.VarintType)
		case optionsMax:
			p.max = int64(int32(protowire.DecodeZigZag(f.value & 0xffffffff)))
			return f.is(protowire.VarintType)
		case optionsName:
			p.name = f.bytes
			p.size += len(f.bytes)
			return f.is(protowire.BytesType) && utf8.Valid(f.bytes)
		case optionsOrigins:
			p.size += len(f.bytes)
			_, err := multiaddr.NewMultiaddrBytes(f.bytes)
			return f.is(protowire.BytesType) && err == nil
		case optionsOldMeta:
			return false // the slow way reads it
		case optionsMetadata:
			return f.is(protowire.BytesType) && p.parseMeta(f.bytes)
		}
		return true
	})
}

func (p *wirePin) parseMeta(b []byte) bool {
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
	p.size += len(key) + len(value)
	switch {
	case !ok:
		return false
	case string(key) == pinset.CreatedKey:
		p.created = value
	case !bytes.HasPrefix(key, []byte(pinset.ReservedPrefix)):
		if n := len(p.meta); n > 0 && bytes.Compare(p.meta[n-1][0], key) >= 0 {
			return false
		}
		p.meta = append(p.meta, [2][]byte{key, value})
	}
	return true
}

// createdOf returns the pin's `created` in milliseconds since 1970.
func (p *wirePin) createdOf(key []byte) int64 {
	var timestamp time.Time
	if p.timestamp > 0 {
		timestamp = time.Unix(int64(p.timestamp), 0)
	}
	return pinset.DecodeCreated(string(p.created), timestamp, key).UnixMilli()
}

// appendMeta appends the meta as encodeMeta does.
func (p *wirePin) appendMeta(b []byte) []byte {
	for _, kv := range p.meta {
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

// appendPlace appends what tells one place of a pin from others.
func (p *wirePin) appendPlace(b []byte) []byte {
	b = protowire.AppendVarint(b, p.kind)
	b = protowire.AppendVarint(b, protowire.EncodeZigZag(p.min))
	b = protowire.AppendVarint(b, protowire.EncodeZigZag(p.max))
	for _, id := range p.allocations {
		b = append(protowire.AppendVarint(b, uint64(len(id))), id...)
	}
	return b
}
